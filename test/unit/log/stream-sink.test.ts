import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';

const LOGGER = new URL('../../../src/log/logger.js', import.meta.url).href;
const CLOCK = new URL('../../../src/platform/clock.js', import.meta.url).href;

/** A program that logs: `say(n)` that many records, `logger`, and `report` to the test on stdout. */
const PRELUDE = `
  import { createLogger } from '${LOGGER}';
  import { systemClock } from '${CLOCK}';
  import { writeSync } from 'node:fs';
  const target = { file: null, level: 'info', format: 'text', rotation: null, retention: null, compression: null };
  const open = (...kinds) => createLogger({
    targets: kinds.map((kind) => ({ ...target, kind })), level: null, session: 'S', clock: systemClock, env: process.env,
  });
  const report = (text) => writeSync(1, text + '\\n');
  const breathe = () => new Promise(setImmediate);
  const PAD = 'x'.repeat(10_000);
  const say = async (logger, count, pad = PAD) => {
    for (let i = 0; i < count; i += 1) {
      logger.log('info', 'log', { msg: 'n' + i, pad });
      if (i % 100 === 0) await breathe();
    }
  };
`;

function program(t: TestContext, body: string, stdio: StdioOptions, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PRELUDE + body], {
    stdio,
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Of a child whose stdout is a pipe. */
async function reportOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const [status, signal] = await once(child, 'close');
  return `${text}${status ?? signal}`;
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A pipe with a reader that does not read: what is in it is read from `fd` later. */
function pipe(t: TestContext): { path: string; fd: number } {
  const path = join(scratch(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR);
  return { path, fd };
}

/** More than any pipe and the memory take. */
const LIVES = `
  const logger = await open('stderr');
  await say(logger, 3000);
  report('lives');
  const start = performance.now();
  await logger.close();
  report(performance.now() - start < 5000 ? 'closes' : 'closes late');
`;

test('a pipe that nobody reads holds up nothing, not even the end', async (t) => {
  const { fd } = pipe(t);
  t.after(() => closeSync(fd));
  assert.equal(await reportOf(program(t, LIVES, ['ignore', 'pipe', fd])), 'lives\ncloses\n0');
});

test('a socket that nobody reads holds up nothing, not even the end', async (t) => {
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

test('a reader that goes away ends nothing', async (t) => {
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

test('a socket whose reader goes away ends nothing', async (t) => {
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

test('stderr and stdout that are closed end nothing', () => {
  const body = `${PRELUDE}
    const logger = await open('stderr', 'stdout');
    await say(logger, 1000);
    await logger.close();
    process.exit(42);`;
  const shell = `exec "$0" --input-type=module -e "$1" <&- >&- 2>&-`;
  assert.equal(spawnSync('sh', ['-c', shell, process.execPath, body]).status, 42);
});

test('a full device as stderr ends nothing, and a file as stderr gets every line', async (t) => {
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

test('a terminal that stands still (Ctrl-S) holds up nothing, not even the end', async (t) => {
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
