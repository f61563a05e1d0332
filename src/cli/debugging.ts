/** What `fate debug` does: the same execution and output as in the daemon, with a report for people at the end (SPEC 13). */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationStems, loadConfiguration } from '../conf/load.ts';
import { FateError } from '../errors.ts';
import { findProgram, resolveCommand } from '../execution/command.ts';
import { statusOf } from '../execution/status.ts';
import { prepareResults, publishResults } from '../output/result.ts';
import { discardAll } from '../output/result-publish.ts';
import { closeOnExec } from '../platform/native.ts';
import { signalNumber } from '../platform/signal-names.ts';
import { stampIn } from '../scheduler/scope.ts';
import { stateFolder } from '../state/folder.ts';
import { openStore, type Store } from '../state/store.ts';
import { decodeState, encodeState } from '../state/task-state.ts';
import type { Task, ZoneSource } from '../types.ts';
import { adHocRun, adHocTask } from './ad-hoc.ts';
import type { DebugArguments, DebugRunArguments } from './commands/debug.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { execute, type Finished, scopeFor, settle } from './debug-execution.ts';
import { type DebugRequest, readRequest } from './debug-request.ts';
import { printReport } from './report.ts';
import { readVersion } from './version.ts';

export async function debugExecute(args: DebugArguments, argv: readonly string[]): Promise<number> {
  const zones = loadOptionsFor(pathsFor(args)).zones;
  const [name = ''] = argv;
  const program = findProgram(name, process.env.PATH);
  if (program === null) {
    const hint = /\s/.test(name) ? '; a program name with white space in it: should these be separate words?' : '';
    throw new FateError('COMMAND_NOT_FOUND', `${name}: command not found${hint}`);
  }
  const task = adHocTask(name.slice(name.lastIndexOf('/') + 1));
  const request = await readRequest(args);
  return inScratch(async (scratch) => {
    const run = adHocRun(task);
    const finished = await execute({ run, program, argv, settled: settle(run), state: '', request, scratch });
    return conclude({ ...finished, shownAs: argv, request, scratch, zones, resultFolder: null });
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
  const request = await readRequest(args);
  const folder = stateFolder(paths.state, configurationStems(load), configuration.files);
  const store = openStore(folder, closeOnExec, readVersion());
  try {
    return await inScratch((scratch) =>
      runTask(task, store, { args, request, scratch, zones: load.zones, data: paths.data }),
    );
  } finally {
    await store.close();
  }
}

interface RunSurroundings {
  readonly args: DebugRunArguments;
  readonly request: DebugRequest;
  readonly scratch: string;
  readonly zones: ZoneSource;
  readonly data: string;
}

async function runTask(task: Task, store: Store, around: RunSurroundings): Promise<number> {
  const { args, request, scratch, zones, data } = around;
  const stored = store.state(task.name);
  const sent = encodeState(stored, task.formatState.in);
  const run = adHocRun(task);
  const settled = settle(run);
  const command = resolveCommand(task, scopeFor(run), settled.env, settled.context.cwd);
  if (!command.ok) throw new FateError('COMMAND_NOT_FOUND', command.message);
  const finished = await execute({ ...command, run, settled, state: sent, request, scratch });
  const { status } = statusOf(finished.exit, task.successExit);
  if (args.state && (status === 'OK' || status === 'Retry')) {
    if (finished.exit.state === null) throw new FateError('FATAL', 'the new state is over 16 MiB; the old one is kept');
    const decoded = decodeState(finished.exit.state, task.formatState.out, { stored, sent });
    if (decoded.kind === 'bad') throw new FateError('FATAL', `the old state is kept: ${decoded.message}`);
    if (decoded.kind === 'store') store.write({ states: new Map([[task.name, decoded.state]]) });
  }
  const resultFolder = args.record && status === 'OK' ? join(data, 'result') : null;
  return conclude({ ...finished, shownAs: command.argv, request, scratch, zones, resultFolder });
}

// ---------------------------------------------------------------------------------------------- what came of it

interface Conclusion extends Finished {
  readonly shownAs: readonly string[];
  readonly request: DebugRequest;
  readonly scratch: string;
  readonly zones: ZoneSource;
  /** Where to record the result; null: nowhere. */
  readonly resultFolder: string | null;
}

/** Writes what was asked for, prints the report. Answers the exit status. */
async function conclude(done: Conclusion): Promise<number> {
  const { run, settled, exit, request, scratch } = done;
  const stdout = join(scratch, 'stdout');
  const stderr = join(scratch, 'stderr');
  const formatResult = request.formatResult ?? run.task.formatResult;
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
        // What is recorded nowhere stays ours.
        owner: recording ? settled.context.identity : null,
      })
    : { prepared: [], problems: [], warnings: [] };
  const published = recording ? await publishResults(preparation.prepared) : { recorded: [], problems: [], failed: [] };
  await discardAll(published.failed);
  const problems = [...preparation.problems, ...published.problems];
  for (const line of [...preparation.warnings, ...problems]) process.stderr.write(`fate: ${line}\n`);
  if (request.report) {
    const results = recording
      ? published.recorded.map((result) => ({ ...result, file: result.path }))
      : preparation.prepared.map((result) => ({ ...result, file: result.temporary, path: null }));
    const hidden = { stdout: request.stdout?.path ?? null, stderr: request.stderr?.path ?? null };
    await printReport({ name: run.task.name, command: done.shownAs, exit, task, results, stdout, stderr, hidden });
  }
  if (existsSync(stdout)) await request.stdout?.take(stdout);
  await request.stderr?.take(stderr);
  if (exit.failure !== null) throw new FateError('COMMAND_NOT_FOUND', exit.failure);
  if (request.propagate) return exit.signal === null ? (exit.code ?? 1) : 128 + (signalNumber(exit.signal) ?? 0);
  return problems.length > 0 ? 1 : 0;
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
