import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, createReadStream, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { PRELUDE, pipe, program, reportOf, scratch } from './programs.ts';

/** More than any pipe and the memory take. */
const LIVES = `
  const logger = await open('stderr');
  await say(logger, 3000);
  report('lives');
  const start = performance.now();
  await logger.close();
  report(performance.now() - start < 5000 ? 'closes' : 'closes late');
`;

test('a pipe that nobody reads holds up nothing, not even the end', { timeout: 60_000 }, async (t) => {
  const { fd } = pipe(t);
  t.after(() => closeSync(fd));
  assert.equal(await reportOf(program(t, LIVES, ['ignore', 'pipe', fd])), 'lives\ncloses\n0');
});

test('a socket that nobody reads holds up nothing, not even the end', { timeout: 60_000 }, async (t) => {
  const child = program(t, `${LIVES}; process.exit(0);`, ['ignore', 'pipe', 'pipe']);
  assert.equal(await reportOf(child), 'lives\ncloses\n0');
});

test('a reader that comes late gets what fitted, and how many records were lost', async (t) => {
  const { path, fd } = pipe(t);
  const child = program(
    t,
    `const logger = await open('stderr');
     await say(logger, 3000);
     report('said');
     for await (const _ of process.stdin);
     logger.log('info', 'log', { msg: 'last' });
     await logger.close();`,
    ['pipe', 'pipe', fd],
  );
  const ended = reportOf(child);
  await once(child.stdout ?? child, 'data');
  const reader = createInterface({ input: createReadStream(path) });
  closeSync(fd);
  const lines: string[] = [];
  for await (const line of reader) {
    lines.push(line);
    if (line.includes('records lost')) child.stdin?.end();
  }
  await ended;
  const notice = lines.findIndex((line) => line.includes('records lost'));
  const lost = Number(
    /^<3> .*the log \/dev\/stderr was not read fast enough; records lost: (\d+)"$/.exec(lines[notice] ?? '')?.[1],
  );
  assert.ok(lost > 500, lines[notice]);
  assert.equal(notice + lost, 3000);
  for (const [n, line] of lines.slice(0, notice).entries()) assert.ok(line.includes(` msg="n${n}" `), line);
  assert.match(lines.at(-1) ?? '', /msg="last"/);
});

test('a reader that goes away ends nothing', { timeout: 60_000 }, async (t) => {
  const { path, fd } = pipe(t);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  closeSync(fd);
  const child = program(
    t,
    `const logger = await open('stderr');
     await say(logger, 10);
     report('said');
     for await (const _ of process.stdin);
     await say(logger, 2000);
     await logger.close();
     report('lives');`,
    ['pipe', 'pipe', writer],
  );
  closeSync(writer);
  child.stdout?.once('data', () => {
    closeSync(reader);
    child.stdin?.end();
  });
  assert.equal(await reportOf(child), 'said\nlives\n0');
});

test('a socket whose reader goes away ends nothing', { timeout: 60_000 }, async (t) => {
  const child = program(
    t,
    `const logger = await open('stderr');
     report('open');
     for await (const _ of process.stdin);
     await say(logger, 2000);
     await logger.close();
     const second = await open('stderr');
     await say(second, 10);
     await second.close();
     report('lives');`,
    ['pipe', 'pipe', 'pipe'],
  );
  child.stdout?.once('data', () => {
    child.stderr?.destroy();
    child.stdin?.end();
  });
  assert.equal(await reportOf(child), 'open\nlives\n0');
});

test('stderr and stdout that are closed end nothing', { timeout: 60_000 }, () => {
  const body = `${PRELUDE}
    const logger = await open('stderr', 'stdout');
    await say(logger, 1000);
    await logger.close();
    process.exit(42);`;
  const shell = `exec "$0" --input-type=module -e "$1" <&- >&- 2>&-`;
  assert.equal(spawnSync('sh', ['-c', shell, process.execPath, body]).status, 42);
});

test('a full device as stderr ends nothing, and a file as stderr gets every line', { timeout: 60_000 }, async (t) => {
  const full = openSync('/dev/full', 'w');
  const file = join(scratch(t), 'stderr');
  const fd = openSync(file, 'a');
  const body = `const logger = await open('stderr'); await say(logger, 2000); await logger.close(); report('lives');`;
  assert.equal(await reportOf(program(t, body, ['ignore', 'pipe', full])), 'lives\n0');
  assert.equal(await reportOf(program(t, body, ['ignore', 'pipe', fd])), 'lives\n0');
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.length, 2001);
  assert.match(lines[0] ?? '', /^<2> time="[^"]*" level="info" event="log" session="S" msg="n0" pad=/);
  closeSync(full);
  closeSync(fd);
});

test('stderr lines begin with their level, stdout lines do not', async (t) => {
  const body = `const logger = await open('stderr', 'stdout'); await say(logger, 1, 'p'); await logger.close();`;
  const child = program(t, body, ['ignore', 'pipe', 'pipe']);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  const stdout = await reportOf(child);
  assert.match(stderr, /^<2> time="[^"]*" level="info" event="log" session="S" msg="n0" pad="p"\n$/);
  assert.match(stdout, /^time="[^"]*" level="info" event="log" session="S" msg="n0" pad="p"\n0$/);
});

test('twenty reloads of a log on a pipe lose no line, leave no descriptor and warn of no listeners', async (t) => {
  const { path, fd } = pipe(t);
  const child = program(
    t,
    `import { readdirSync } from 'node:fs';
     const before = readdirSync('/proc/self/fd').length;
     let warned = 0;
     process.on('warning', () => { warned += 1; });
     let logger = await open('stderr');
     for (let i = 0; i < 20; i += 1) {
       await say(logger, 5);
       const next = await open('stderr');
       await logger.close();
       logger = next;
     }
     await logger.close();
     for (let i = 0; i < 3; i += 1) await breathe();
     report(readdirSync('/proc/self/fd').length - before + ' ' + warned);`,
    ['ignore', 'pipe', fd],
  );
  const ended = reportOf(child);
  const reader = createInterface({ input: createReadStream(path) });
  closeSync(fd);
  let lines = 0;
  for await (const _ of reader) lines += 1;
  assert.equal(lines, 100);
  assert.equal(await ended, '0 0\n0');
});
