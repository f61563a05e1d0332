/** What `fate debug` does: the same execution and output as in the daemon, with a report for people at the end (SPEC 13). */
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { configurationStems, loadConfiguration } from '../conf/load.ts';
import { parseResultFormat } from '../conf/schema.ts';
import { FateError, messageOf } from '../errors.ts';
import { findProgram, resolveCommand, taskEnvironment } from '../execution/command.ts';
import { launch } from '../execution/launch.ts';
import { statusOf } from '../execution/status.ts';
import { prepareResults, publishResults } from '../output/result.ts';
import { systemClock } from '../platform/clock.ts';
import { readHost } from '../platform/host.ts';
import { closeOnExec, native } from '../platform/native.ts';
import { scopeOf, stampIn } from '../scheduler/scope.ts';
import { stateFolder } from '../state/folder.ts';
import { openStore, type Store } from '../state/store.ts';
import { decodeState, encodeState } from '../state/task-state.ts';
import type { Exit, Run, Scope, Task, ZoneSource } from '../types.ts';
import { adHocRun, adHocTask } from './ad-hoc.ts';
import type { DebugArguments, DebugRunArguments } from './commands/debug.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { printReport } from './report.ts';

export async function debugExecute(args: DebugArguments, argv: readonly string[]): Promise<number> {
  const zones = loadOptionsFor(pathsFor(args)).zones;
  const [name = ''] = argv;
  const program = findProgram(name, process.env.PATH);
  if (program === null) {
    const hint = /\s/.test(name) ? '; a program name with white space in it: should these be separate words?' : '';
    throw new FateError('COMMAND_NOT_FOUND', `${name}: command not found${hint}`);
  }
  const task = adHocTask(name.slice(name.lastIndexOf('/') + 1));
  return inScratch(async (scratch) => {
    const finished = await execute({ task, program, argv, state: '', args, scratch });
    return conclude({ ...finished, shownAs: argv, args, scratch, zones, resultFolder: null });
  });
}

export async function debugRun(args: DebugRunArguments): Promise<number> {
  const paths = pathsFor(args);
  const load = loadOptionsFor(paths);
  const configuration = await loadConfiguration(load);
  const task = configuration.tasks.find((candidate) => candidate.name === args.task);
  if (task === undefined) {
    const invalid = configuration.invalid.find((candidate) => candidate.name === args.task);
    if (invalid) {
      throw new FateError('CONF_INVALID', `the task ${args.task} is not valid`, { problems: invalid.problems });
    }
    throw new FateError('TASK_UNKNOWN', `no task of the name ${args.task}`);
  }
  const folder = stateFolder(paths.state, configurationStems(load), configuration.files);
  const store = openStore(folder, closeOnExec);
  try {
    return await inScratch((scratch) => runTask(task, store, { args, scratch, zones: load.zones, data: paths.data }));
  } finally {
    await store.close();
  }
}

interface RunSurroundings {
  readonly args: DebugRunArguments;
  readonly scratch: string;
  readonly zones: ZoneSource;
  readonly data: string;
}

async function runTask(task: Task, store: Store, { args, scratch, zones, data }: RunSurroundings): Promise<number> {
  const stored = store.state(task.name);
  const sent = encodeState(stored, task.formatState.in);
  const run = adHocRun(task);
  const command = resolveCommand(task, scopeFor(run), process.env);
  if (!command.ok) throw new FateError('COMMAND_NOT_FOUND', command.message);
  const finished = await execute({ task, ...command, state: sent, args, scratch });
  const { status } = statusOf(finished.exit, task.successExit);
  if (args.state && (status === 'OK' || status === 'Retry')) {
    if (finished.exit.state === null) throw new FateError('FATAL', 'the new state is over 16 MiB; the old one is kept');
    const decoded = decodeState(finished.exit.state, task.formatState.out, { stored, sent });
    if (decoded.kind === 'bad') throw new FateError('FATAL', `the old state is kept: ${decoded.message}`);
    if (decoded.kind === 'store') await store.write({ states: new Map([[task.name, decoded.state]]) });
  }
  const resultFolder = args.record && status === 'OK' ? join(data, 'result') : null;
  return conclude({ ...finished, shownAs: command.argv, args, scratch, zones, resultFolder });
}

// ---------------------------------------------------------------------------------------------- one execution

interface Execution {
  readonly task: Task;
  readonly program: string;
  readonly argv: readonly string[];
  readonly state: string;
  readonly args: DebugArguments;
  readonly scratch: string;
}

interface Finished {
  readonly run: Run;
  readonly exit: Exit;
}

async function execute({ task, program, argv, state, args, scratch }: Execution): Promise<Finished> {
  const param = args.stdin === undefined ? task.param : await readInput(args.stdin);
  const log = createWriteStream(join(scratch, 'stderr'));
  const run = adHocRun(task);
  const launched = launch({
    program,
    argv,
    env: taskEnvironment(process.env, run),
    param,
    state,
    stdout: join(scratch, 'stdout'),
    timeout: task.timeout,
    grace: task.grace,
    clock: systemClock,
    native,
    onStderr: (chunk) => log.write(chunk),
  });
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) launched.end('stop');
    else launched.kill();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const exit = await launched.exit;
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  await new Promise<void>((resolve) => log.end(resolve));
  return { run, exit };
}

/** `-` is standard input; text that starts with `{` or has a newline is itself; what has a `/` or names a file is read. */
async function readInput(value: string): Promise<Buffer> {
  if (value === '-') return buffer(process.stdin);
  const isText = value.startsWith('{') || value.includes('\n');
  if (isText || !(value.includes('/') || existsSync(value))) return Buffer.from(value);
  try {
    return await readFile(value);
  } catch (error) {
    throw new FateError('USAGE', `cannot read the standard input from ${value}: ${messageOf(error)}`);
  }
}

// ---------------------------------------------------------------------------------------------- what came of it

interface Conclusion extends Finished {
  readonly shownAs: readonly string[];
  readonly args: DebugArguments;
  readonly scratch: string;
  readonly zones: ZoneSource;
  /** Where to record the result; null: nowhere. */
  readonly resultFolder: string | null;
}

/** Writes what was asked for, prints the report. Answers the exit status. */
async function conclude(done: Conclusion): Promise<number> {
  const { run, exit, args, scratch } = done;
  const stdout = join(scratch, 'stdout');
  const stderr = join(scratch, 'stderr');
  const given = args['format-result'];
  const formatResult = given === undefined ? run.task.formatResult : parseResultFormat(given);
  if (formatResult === null) throw new FateError('USAGE', `--format-result: not a format: ${given}`);
  const recording = done.resultFolder !== null;
  const task: Task = { ...run.task, formatResult, ...(recording ? {} : { resultPath: { kind: 'default' } as const }) };
  const good = statusOf(exit, task.successExit).status === 'OK';
  // The original stays in place for the report: preparing may link it away.
  const source = join(scratch, 'source');
  if (good) await copyFile(stdout, source);
  const preparation = good
    ? await prepareResults({
        file: source,
        size: exit.stdoutBytes,
        task,
        scope: scopeFor(run),
        endedAt: exit.endedAt,
        resultFolder: done.resultFolder ?? join(scratch, 'result'),
        spool: scratch,
        stamp: stampIn(done.zones)(task.schedule.timezone),
      })
    : { prepared: [], problems: [], warnings: [] };
  const published = recording ? await publishResults(preparation.prepared) : { recorded: [], problems: [] };
  const problems = [...preparation.problems, ...published.problems];
  for (const line of [...preparation.warnings, ...problems]) process.stderr.write(`fate: ${line}\n`);
  if (!args['no-report']) {
    const results = recording
      ? published.recorded.map((result) => ({ ...result, file: result.path }))
      : preparation.prepared.map((result) => ({ ...result, file: result.temporary, path: null }));
    const hidden = { stdout: args.stdout ?? null, stderr: args.stderr ?? null };
    await printReport({ name: run.task.name, command: done.shownAs, exit, task, results, stdout, stderr, hidden });
  }
  if (args.stdout !== undefined) await deliver(stdout, args.stdout, process.stdout);
  if (args.stderr !== undefined) await deliver(stderr, args.stderr, process.stderr);
  if (exit.failure !== null) throw new FateError('COMMAND_NOT_FOUND', exit.failure);
  if (args.propagate) return exit.signal === null ? (exit.code ?? 1) : 128 + constants.signals[exit.signal];
  return problems.length > 0 ? 1 : 0;
}

async function deliver(from: string, to: string, stream: NodeJS.WriteStream): Promise<void> {
  if (!existsSync(from)) return;
  if (to === '-') {
    for await (const chunk of createReadStream(from)) stream.write(chunk);
    return;
  }
  try {
    await copyFile(from, to);
  } catch (error) {
    throw new FateError('FATAL', `cannot write ${to}: ${messageOf(error)}`, { cause: error });
  }
}

// ---------------------------------------------------------------------------------------------- ad hoc parts

async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-debug-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function scopeFor(run: Run): Scope {
  return scopeOf(process.env, readHost(), systemClock)(run);
}
