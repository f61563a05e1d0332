/** A process that becomes another program, tried with programs that do. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { become } from '../../../src/platform/process-image.ts';

const IMAGE = new URL('../../../src/platform/process-image.js', import.meta.url).href;
const ANEW = new URL('../../../src/scheduler/start-anew.js', import.meta.url).href;

function run(script: string, ...args: readonly string[]) {
  const words = ['--no-deprecation', '--input-type=module', '-e', script, ...args];
  const { status, signal, stdout, stderr, pid } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    env: { FIRST: 'a=b ü', EMPTY: '' },
    timeout: 20_000,
  });
  return { status, signal, stdout, stderr, pid };
}

const FLAGS = 'for fd in 0 1 2; do sed -n "s/^flags:[[:space:]]*//p" /proc/self/fdinfo/$fd; done';

test('the process stays the same, with arguments, environment and standard streams, and nothing else open', () => {
  const shell = `echo $$; echo "$0|$1|$FIRST|\${EMPTY-unset}|\${GONE-unset}"; ls /proc/$$/fd | tr '\\n' ' '; ${FLAGS}`;
  const { status, stdout, stderr, pid } = run(
    `import { openSync } from 'node:fs';
    const { become } = await import(process.argv[1]);
    openSync('/dev/null'); setInterval(() => {}, 1000);
    process.stdout.write('before\\n', () => process.stderr.write('', () =>
      become(['/bin/sh', '-c', process.argv[2], 'x y', 'ü'], { ...process.env, GONE: undefined })));`,
    IMAGE,
    shell,
  );
  assert.equal(status, 0, stderr);
  const [before, self, words, files, ...flags] = stdout.split('\n');
  assert.deepEqual([before, self, words], ['before', String(pid), 'x y|ü|a=b ü||unset']);
  assert.match(files ?? '', /^0 1 2 (\d+ )?0?/);
  assert.equal(flags.join('\n').match(/^0?\d*4\d{3}$/gm), null, `none is non-blocking: ${flags}`);
});

test('a program that is not there leaves everything as it was', () => {
  assert.throws(() => become(['/nonexistent/program'], {}), { code: 'ENOENT', syscall: 'execve' });
});

test('a signal that is left to the kernel ends the process, though there is a listener', () => {
  const { signal, stdout } = run(
    `const { leaveToKernel } = await import(process.argv[1]);
    process.on('SIGTERM', () => console.log('heard')); leaveToKernel('SIGTERM');
    process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 5000);`,
    IMAGE,
  );
  assert.deepEqual([signal, stdout], ['SIGTERM', '']);
});

test('a stop that came in the last moment wins over a new start', () => {
  const { status, stdout, stderr } = run(
    `const { startAnew } = await import(process.argv[1]);
    let stopped = false;
    process.on('SIGTERM', () => { stopped = true; });
    process.kill(process.pid, 'SIGTERM');
    await startAnew({ env: process.env, stopped: () => stopped, openLog: async () => { throw new Error('no'); } });
    console.log('stopped', stopped); process.exit(0);`,
    ANEW,
  );
  assert.deepEqual([status, stdout], [0, 'stopped true\n'], stderr);
});
