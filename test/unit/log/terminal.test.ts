import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PRELUDE, pipe, scratch } from './programs.ts';

test('at a terminal there is a symbol and colour, unless NO_COLOR says otherwise', (t) => {
  if (spawnSync('script', ['--version']).error) return t.skip('this machine has no script(1)');
  const body = `${PRELUDE} const logger = await open('stderr'); await say(logger, 1, 'p'); await logger.close();`;
  const file = join(scratch(t), 'program.mjs');
  writeFileSync(file, body);
  const show = (env: NodeJS.ProcessEnv): string =>
    execFileSync('script', ['-qec', `${process.execPath} ${file}`, '/dev/null'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env },
    });
  assert.match(show({}), /^\x1b\[90m\d\d:\d\d:\d\d\x1b\[0m \x1b\[32m●\x1b\[0m log n0 \x1b\[90mpad="p"\x1b\[0m\r\n$/);
  assert.match(show({ NO_COLOR: '1' }), /^\d\d:\d\d:\d\d ● log n0 pad="p"\r\n$/);
});

test('a terminal that stands still (Ctrl-S) holds up nothing, not even the end', { timeout: 60_000 }, async (t) => {
  if (spawnSync('script', ['--version']).error) return t.skip('this machine has no script(1)');
  const { fd } = pipe(t);
  t.after(() => closeSync(fd));
  const reports = pipe(t);
  const file = join(scratch(t), 'program.mjs');
  const body = `${PRELUDE}
    import { openSync } from 'node:fs';
    const to = openSync(process.argv[2], 'w');
    const logger = await open('stderr');
    await say(logger, 200);
    writeSync(to, 'lives ');
    await logger.close();
    process.on('exit', () => writeSync(to, 'ends'));`;
  writeFileSync(file, body);
  // script(1) shows what comes from the terminal, to a pipe that takes no more; so it soon reads no more from the terminal.
  const child = spawn('script', ['-qec', `${process.execPath} ${file} ${reports.path}`, '/dev/null'], {
    stdio: ['ignore', fd, 'inherit'],
    env: { ...process.env, TERM: 'xterm' },
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  const reader = createReadStream(reports.path, 'utf8');
  for await (const chunk of reader) {
    text += chunk;
    if (text.endsWith('ends')) break;
  }
  closeSync(reports.fd);
  assert.equal(text, 'lives ends');
});
