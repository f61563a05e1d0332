/** A control socket in a folder of its own, with a small Steering behind it, for one test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Control, type ControlOptions, LIMITS, type Limits, openControl } from '../../../src/control/server.ts';
import { FateError } from '../../../src/errors.ts';
import { peerOf } from '../../../src/platform/peer.ts';
import { bareEntry } from '../../../src/state/entry.ts';
import type { DaemonStatus, Entry, LiveRow, Reloaded, Restarting, Steering, TaskRow } from '../../../src/types.ts';

export const AT = Date.UTC(2026, 10, 22, 2);
export const UID = process.getuid?.() ?? -1;
export const asRoot = { skip: UID === 0 ? false : 'only root can be somebody else' };

export function makeRow(changes: Partial<LiveRow> = {}): LiveRow {
  return {
    run: '01kf3g0000000000000000000',
    task: 'disk',
    due: AT,
    attempt: 1,
    phase: 'started',
    byHand: false,
    startedAt: AT + 4,
    pid: 4711,
    waited: null,
    retryAt: null,
    ...changes,
  };
}

export function makeTaskRow(at: number): TaskRow {
  return {
    task: `task-${at}`,
    description: null,
    state: 'enabled',
    schedule: '*/5 * * * *',
    next: AT,
    running: 0,
    waiting: 0,
    last: { run: `run${at}`, due: AT, status: 'OK', at: AT + 10 },
  };
}

export function makeStatus(changes: Partial<DaemonStatus> = {}): DaemonStatus {
  return {
    program: 'fated',
    version: '2.0.0',
    pid: process.pid,
    startedAt: AT,
    stopping: false,
    files: ['/etc/fate/tasks.toml'],
    tasks: 2,
    invalid: 0,
    running: [makeRow()],
    waiting: [],
    next: { task: 'ping', at: AT + 60_000 },
    executions: 3,
    failures: 1,
    reloaded: null,
    restart: null,
    ...changes,
  };
}

export interface Rig {
  readonly folder: string;
  readonly link: string;
  readonly control: Control;
  readonly path: string;
  /** `level: message` */
  readonly logged: string[];
  /** What was asked of the steering, in order. */
  readonly asked: string[];
  /** What a restart answers, or is refused with. */
  restarting: Restarting | FateError;
  /** What a reload answers, or is refused with. */
  reloaded: Reloaded | FateError;
  status: DaemonStatus;
  rows: Iterable<TaskRow>;
  steerGid: number | null;
  /** Ends the run that was asked for. */
  end(entry?: Partial<Entry>): void;
  /** A connection of raw bytes. */
  connect(): Promise<Raw>;
}

export interface Raw {
  readonly socket: Socket;
  /** All that comes until the other side closes; also what came before a reset. */
  readonly received: Promise<string>;
}

export interface Cleanup {
  after(work: () => unknown): void;
}

const GOOD: Reloaded = { added: ['a'], removed: [], changed: ['b'] };

/** @param run the run folder, where it is not one of its own */
export async function openRig(
  t: Cleanup,
  limits: Partial<Limits> = {},
  { run: given, ...more }: Partial<ControlOptions> & { readonly run?: string } = {},
): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'fate-control-'));
  chmodSync(root, 0o755);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const run = given === undefined ? root : resolve(root, given);
  const folder = join(run, `run-${process.pid}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const link = join(run, 'control.sock');
  const rig = {
    folder,
    link,
    path: '',
    control: null as unknown as Control,
    logged: [] as string[],
    asked: [] as string[],
    restarting: { whenIdle: true, running: ['disk'], restarting: false } as Restarting | FateError,
    reloaded: GOOD as Reloaded | FateError,
    status: makeStatus(),
    rows: [makeTaskRow(0), makeTaskRow(1)] as Iterable<TaskRow>,
    steerGid: null as number | null,
    end: (_entry?: Partial<Entry>): void => {},
    connect: () => openRaw(rig.path),
  };
  const steering: Steering = {
    status: () => rig.status,
    async *list() {
      yield* rig.rows;
    },
    async reload() {
      rig.asked.push('reload');
      if (rig.reloaded instanceof FateError) throw rig.reloaded;
      return rig.reloaded;
    },
    async restart(whenIdle) {
      rig.asked.push(`restart ${whenIdle}`);
      if (rig.restarting instanceof FateError) throw rig.restarting;
      return rig.restarting;
    },
    run(task) {
      rig.asked.push(`run ${task}`);
      if (task === 'broken') throw new TypeError('undefined is not a function');
      if (task !== 'disk') throw new FateError('TASK_UNKNOWN', `no task of the name ${task}`);
      const entry: Entry = { ...bareEntry('01kf3g', task, AT, 'ended'), byHand: true };
      const done = new Promise<Entry>((resolve) => {
        rig.end = (changes = {}) => resolve({ ...entry, ...changes });
      });
      return { run: '01kf3g', waited: { for: 'tenancy', who: ['a', 'b'] }, done };
    },
    kill(what) {
      rig.asked.push(`kill ${what}`);
      if (what !== 'disk') throw new FateError('RUN_UNKNOWN', `nothing of ${what} goes or waits`);
      return [makeRow(), makeRow({ run: '01kf3h', phase: 'waiting', startedAt: null, pid: null })];
    },
  };
  rig.control = await openControl(
    {
      folder,
      link,
      group: null,
      ownUid: UID,
      steerGid: () => rig.steerGid,
      peerOf,
      steering,
      log: (level, { msg }) => rig.logged.push(`${level}: ${msg}`),
      ...more,
    },
    { ...LIMITS, ...limits },
  );
  rig.path = rig.control.path;
  t.after(() => rig.control.close());
  return rig;
}

export async function openRaw(path: string): Promise<Raw> {
  const socket = connect({ path, allowHalfOpen: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const received = new Promise<string>((resolve) => {
    socket.on('end', () => {
      socket.destroy();
      resolve(text);
    });
    socket.on('close', () => resolve(text));
  });
  await once(socket, 'connect');
  return { socket, received };
}

/** The status of an answer as it came, and its body where it is JSON. */
export function readRaw(text: string): { status: number; headers: string; body: unknown } {
  const [headers = '', rest = ''] = text.split(/\r\n\r\n(.*)/s);
  const chunked = /transfer-encoding: chunked/i.test(headers);
  const body = chunked ? rest.replaceAll(/(^|\r\n)[\da-f]+\r\n/g, '').replace(/\r\n$/, '') : rest;
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0),
    headers,
    body: body === '' ? null : JSON.parse(body),
  };
}

/** Asks for argv[2] with the method argv[1] at the socket argv[0], and prints the status and the body. */
const ASKING = `
  const [socketPath, method, path, body] = process.argv.slice(1);
  const asking = require('node:http').request({ socketPath, method, path }, (response) => {
    console.log(response.statusCode);
    response.pipe(process.stdout);
  });
  asking.on('error', ({ code }) => console.log(code));
  asking.end(body);
`;

/** What somebody else is answered: the status, or the error of the system, and behind a line break the body. */
export async function askAs(who: readonly string[], ...asked: readonly string[]): Promise<string> {
  const words = [...who, process.execPath, '-e', ASKING, ...asked];
  const child = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

export const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: fate\r\n${more}\r\n`;

export const post = (path: string, body: string, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: fate\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
