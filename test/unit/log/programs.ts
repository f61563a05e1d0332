/** Programs of their own that log, and the pipes they log to. */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const LOGGER = new URL('../../../src/log/logger.js', import.meta.url).href;
const CLOCK = new URL('../../../src/platform/clock.js', import.meta.url).href;

/** A program that logs: `say(n)` that many records, `logger`, and `report` to the test on stdout. */
export const PRELUDE = `
  import { createLogger } from '${LOGGER}';
  import { systemClock } from '${CLOCK}';
  import { writeSync } from 'node:fs';
  const target = { file: null, level: 'info', format: 'text', rotation: null, retention: null, compression: null };
  const open = (...kinds) => createLogger({
    targets: kinds.map((kind) => ({ ...target, kind })), level: null, session: 'S', clock: systemClock, env: process.env,
    program: 'fated', journal: null,
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

export function program(t: TestContext, body: string, stdio: StdioOptions, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PRELUDE + body], {
    stdio,
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Of a child whose stdout is a pipe. */
export async function reportOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const [status, signal] = await once(child, 'close');
  return `${text}${status ?? signal}`;
}

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A pipe with a reader that does not read: what is in it is read from `fd` later. */
export function pipe(t: TestContext): { path: string; fd: number } {
  const path = join(scratch(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR);
  return { path, fd };
}
