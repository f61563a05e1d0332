/**
 * A private Fate for one test: four folders of its own below a temporary one, and the real programs run in it.
 * `make test` builds dist/ before the tests run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/state/store.ts';
import { repo } from './repo.ts';

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Prefix {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly paths: Readonly<Record<'conf' | 'data' | 'state' | 'run', string>>;
  /** Writes a file below the configuration folder. */
  write(name: string, text: string): void;
  /** Runs a program to its end. */
  run(program: 'fate' | 'fated' | 'fates', ...args: readonly string[]): Promise<Finished>;
  /** Starts the daemon in the foreground and follows what it logs. */
  daemon(...args: readonly string[]): Daemon;
  /** `<state>/<animal>-<md5>` of the one configuration. */
  stateFolder(): string;
  /** Makes every task look as if it was last seen so long ago; a pass before must have adopted them. */
  backdate(ms: number): Promise<void>;
  results(): string[];
  readResult(name: string): string;
}

/** One `key=value` line of Fate's text log. */
export interface LogLine {
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface Daemon {
  readonly child: ChildProcess;
  readonly lines: readonly LogLine[];
  /** The first line, of those already there or still to come, that has these fields (and this text in its message). */
  until(fields: Readonly<Record<string, string>>, nth?: number): Promise<LogLine>;
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

/** What to do when a test, or a figure, is done: node:test's context has it. */
export interface Cleanup {
  after(work: () => unknown): void;
}

/** As tsc made them, where src/faults.ts listens to FATE_FAULT. */
export const COMPILED = fileURLToPath(new URL('../../src/bin', import.meta.url));

/** @param programs the folder of fate.js, fated.js and fates.js */
export function makePrefix(
  t: Cleanup,
  files: Readonly<Record<string, string>> = {},
  programs = join(repo, 'dist'),
): Prefix {
  const root = mkdtempSync(join(tmpdir(), 'fate-test-'));
  const paths = {
    conf: join(root, 'conf'),
    data: join(root, 'data'),
    state: join(root, 'state'),
    run: join(root, 'run'),
  };
  mkdirSync(paths.conf);
  const env: NodeJS.ProcessEnv = { ...process.env, TZ: 'UTC', NO_COLOR: '1' };
  for (const [name, path] of Object.entries(paths)) env[`FATE_PREFIX_${name.toUpperCase()}`] = path;
  delete env.NODE_OPTIONS;
  const daemons: Daemon[] = [];
  t.after(async () => {
    for (const daemon of daemons) {
      if (daemon.child.exitCode === null && daemon.child.signalCode === null) await daemon.stop('SIGKILL');
    }
    rmSync(root, { recursive: true, force: true });
  });
  const start = (program: string, args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [join(programs, `${program}.js`), ...args], {
      env,
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const prefix: Prefix = {
    root,
    env,
    paths,
    write(name, text) {
      mkdirSync(dirname(join(paths.conf, name)), { recursive: true });
      writeFileSync(join(paths.conf, name), text);
    },
    run: (program, ...args) => finish(start(program, args)),
    daemon(...args) {
      const daemon = follow(start('fated', ['--foreground', ...args]));
      daemons.push(daemon);
      return daemon;
    },
    stateFolder() {
      const [name, ...others] = readdirSync(paths.state);
      if (name === undefined || others.length > 0) throw new Error(`expected one folder in ${paths.state}`);
      return join(paths.state, name);
    },
    async backdate(ms) {
      const store = openStore(prefix.stateFolder());
      const cursors = [...store.cursors()].map(
        ([name, cursor]) => [name, { ...cursor, seen: cursor.seen - ms }] as const,
      );
      await store.write({ cursors: new Map(cursors) });
      await store.close();
    },
    results() {
      try {
        return readdirSync(join(paths.data, 'result')).sort();
      } catch {
        return [];
      }
    },
    readResult: (name) => readFileSync(join(paths.data, 'result', name), 'utf8'),
  };
  for (const [name, text] of Object.entries(files)) prefix.write(name, text);
  return prefix;
}

async function finish(child: ChildProcess): Promise<Finished> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status, signal, ...output };
}

/** Reads `key="value"` and `key=value` pairs of one line of the text log. */
export function parseLine(text: string): LogLine {
  const fields: Record<string, string> = {};
  for (const [, key = '', quoted, bare] of text.matchAll(/([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/g)) {
    fields[key] ??= quoted === undefined ? (bare ?? '') : quoted.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  }
  return { text, fields };
}

function follow(child: ChildProcess): Daemon {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  let closed = false;
  const ended = finish(child).then((finished) => {
    closed = true;
    for (const look of waiting) look();
    return finished;
  });
  if (child.stderr === null) throw new Error('the daemon has no stderr to follow');
  createInterface({ input: child.stderr }).on('line', (text) => {
    lines.push(parseLine(text));
    for (const look of waiting) look();
  });
  const matches = (line: LogLine, wanted: Readonly<Record<string, string>>): boolean =>
    Object.entries(wanted).every(([key, value]) =>
      key === 'msg' ? (line.fields.msg?.includes(value) ?? false) : line.fields[key] === value,
    );
  return {
    child,
    lines,
    until: (wanted, nth = 1) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.filter((line) => matches(line, wanted))[nth - 1];
          if (found === undefined && !closed) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else {
            const seen = lines.map((line) => line.text).join('\n');
            reject(new Error(`the daemon ended without ${JSON.stringify(wanted)}; it said\n${seen}`));
          }
        };
        waiting.add(look);
        look();
      }),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
