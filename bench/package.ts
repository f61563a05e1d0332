/** The Debian package in release/ (`make deb`): its size, and how long its commands take to start, against its Node alone; the
 * best of 20 each, in turn. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { packageFile } from '../test/deb/package.ts';
import { ratio, tell } from './measure.ts';

const ROUNDS = 20;

const file = packageFile();
if (!existsSync(file)) {
  tell('the Debian package', `not measured: there is no ${file} (make deb)`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'fate-bench-'));
  try {
    execFileSync('dpkg-deb', ['-x', file, folder]);
    const installed = execFileSync('dpkg-deb', ['-f', file, 'Installed-Size'], { encoding: 'utf8' });
    tell('size of the Debian package', `${(statSync(file).size / 1e6).toFixed(1)} MB`);
    tell('the same, installed', `${((Number(installed) * 1024) / 1e6).toFixed(0)} MB`);
    const lib = join(folder, 'usr/lib/fate');
    const program = join(lib, 'dist/fate.js');
    const calls = { nothing: ['-e', '0'], help: [program, '--help'], version: [program, '--version'] } as const;
    const times: Record<keyof typeof calls, number[]> = { nothing: [], help: [], version: [] };
    // In turn, so that what else the machine does falls on all of them alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of Object.keys(calls) as (keyof typeof calls)[]) {
        const start = performance.now();
        const { status } = spawnSync(join(lib, 'node/bin/node'), calls[name], { stdio: 'ignore' });
        if (status !== 0) throw new Error(`${calls[name].join(' ')} exited with ${status}`);
        times[name].push(performance.now() - start);
      }
    }
    const [nothing, help, version] = [times.nothing, times.help, times.version].map((all) => Math.min(...all)) as [
      number,
      number,
      number,
    ];
    const ms = (value: number): string => `${value.toFixed(0)} ms`;
    tell(
      'its `fate --help`, against its Node with nothing to do',
      `${ms(help)}, ${ms(nothing)}: ${ratio(help / nothing)}`,
    );
    tell('its `fate --version`', `${ms(version)}: ${ratio(version / nothing)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
