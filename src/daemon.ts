/**
 * Wiring, and nothing else: configuration, log, lock, store and signals around the scheduler, for a daemon that stays and
 * for a single pass alike (SPEC 11). Promises that what was opened is closed again in the right order, whatever happens.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { configurationStems, type LoadOptions, loadConfiguration } from './conf/load.ts';
import { formatProblem } from './conf/problems.ts';
import { FateError, messageOf } from './errors.ts';
import { makeFoldersSync } from './folders.ts';
import { createLogger } from './log/logger.ts';
import { systemClock } from './platform/clock.ts';
import { acquireLock, type Lock } from './platform/lock.ts';
import { closeOnExec, native } from './platform/native.ts';
import type { Paths } from './platform/paths.ts';
import { makeRunFolder, pruneRunFolders, runFolder } from './platform/run-folder.ts';
import { compareTasks, newErrors } from './reload.ts';
import { createCommitter } from './scheduler/commits.ts';
import { reportEvent, reportSummary } from './scheduler/report.ts';
import { startRun } from './scheduler/run.ts';
import { newRunId } from './scheduler/run-id.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { scopeOf, stampIn } from './scheduler/scope.ts';
import { hasRoom, makeSpool, pruneSpool } from './scheduler/spool.ts';
import { stateFolder } from './state/folder.ts';
import { openStore } from './state/store.ts';
import type { Configuration, Cursor, Level, LogEvent, LogFields, Logger, Ms, Problem, Summary } from './types.ts';

const SPOOL_PRUNED_EVERY: Ms = 86_400_000;

export interface EngineOptions {
  readonly program: string;
  readonly mode: 'pass' | 'stay';
  readonly paths: Paths;
  readonly load: LoadOptions;
  /** Go on where another scheduler holds the lock. */
  readonly force: boolean;
  /** Overrides the level of every log target. */
  readonly logLevel: Level | null;
  /** Remove the run folders of schedulers that are no more. */
  readonly prune: boolean;
  /** Called once when tasks can run. */
  readonly ready: () => void;
}

/** Runs until stopped, or for one pass. @throws FateError when it cannot start. */
export async function runEngine(options: EngineOptions): Promise<Summary> {
  let configuration = await loadConfiguration(options.load);
  const session = newRunId(systemClock.now());
  const openLog = (conf: Configuration): Promise<Logger> =>
    createLogger({ targets: conf.log, level: options.logLevel, session, clock: systemClock, env: process.env });
  let logger = await openLog(configuration);
  const log = (level: Level, event: LogEvent, fields: LogFields): void => logger.log(level, event, fields);

  const closing: (() => void | Promise<void>)[] = [() => logger.close()];
  try {
    tellProblems(log, configuration.problems);
    const folder = stateFolder(options.paths.state, configurationStems(options.load), configuration.files);
    const lock = takeLock(folder, options, log);
    if (lock !== null) closing.unshift(() => lock.release());
    const ownFolder = runFolder(options.paths.run, process.pid);
    makeFoldersSync(options.paths.run, 0o755);
    if (options.prune) pruneRunFolders(options.paths.run);
    makeRunFolder(ownFolder, configuration.files);
    closing.unshift(() => rmSync(ownFolder, { recursive: true, force: true }));
    const store = openStore(folder, closeOnExec);
    closing.unshift(() => store.close());

    const spool = makeSpool(folder);
    const { host, env, zones } = options.load;
    const commit = createCommitter(store);
    const parts = {
      clock: systemClock,
      native,
      env,
      stored: store,
      commit,
      scope: scopeOf(env, host, systemClock),
      log,
      resultFolder: join(options.paths.data, 'result'),
      spool,
      stamp: stampIn(zones),
    };
    const scheduler = new Scheduler(
      {
        ...parts,
        start: (run) => startRun(run, parts),
        newRunId: () => newRunId(systemClock.now()),
        saveCursors: saveTo(store.write.bind(store), log),
        roomToStart: roomTeller(spool, log),
        zonesChanged: () => zones.changed(),
        emit: (event) => reportEvent(logger, event),
        tellClock: (level, msg) => log(level, 'clock', { msg }),
        passed: (summary) => reportSummary(logger, summary),
      },
      options.mode,
      store.cursors(),
    );

    const reload = async (): Promise<void> => {
      try {
        const next = await loadConfiguration(options.load);
        const errors = newErrors(configuration, next);
        if (errors.length > 0) {
          throw new FateError('CONF_INVALID', 'the configuration has new problems', { problems: errors });
        }
        const nextLogger = await openLog(next);
        const old = logger;
        logger = nextLogger;
        await old.close();
        const { added, removed, changed } = compareTasks(configuration, next);
        configuration = next;
        scheduler.load(next);
        log('info', 'reload', { msg: 'the configuration was read again', added, removed, changed });
      } catch (error) {
        if (error instanceof FateError) tellProblems(log, error.problems);
        log('error', 'reload', { msg: `the old configuration stays: ${messageOf(error)}` });
      }
    };

    scheduler.load(configuration);
    closing.unshift(handleSignals(scheduler, log, options.mode === 'stay' ? reload : null));
    closing.unshift(keepSpoolClean(spool));
    if (options.mode === 'stay') {
      log('info', 'start', {
        msg: `${options.program} schedules`,
        pid: process.pid,
        tasks: configuration.tasks.length,
      });
    }
    options.ready();
    const summary = await scheduler.run();
    if (options.mode === 'stay') log('info', 'stop', { msg: `${options.program} has stopped` });
    return summary;
  } finally {
    for (const close of closing) await close();
  }
}

type Log = (level: Level, event: LogEvent, fields: LogFields) => void;

function tellProblems(log: Log, problems: readonly Problem[]): void {
  for (const problem of problems) {
    if (problem.severity === 'error') log('error', 'config', { msg: formatProblem(problem), task: problem.task });
  }
}

/** Null when another holds it and `--force` was given. @throws FateError LOCK_HELD */
function takeLock(folder: string, { program, paths, force }: EngineOptions, log: Log): Lock | null {
  const lock = acquireLock(folder, { pid: process.pid, program, run: runFolder(paths.run, process.pid) });
  if (lock.held) return lock;
  const who = lock.owner === null ? 'another scheduler' : `${lock.owner.program} (pid ${lock.owner.pid})`;
  if (!force) {
    throw new FateError('LOCK_HELD', `${who} runs this configuration already; --force goes on all the same`);
  }
  log('warning', 'lock', { msg: `${who} runs this configuration already; going on, since --force was given` });
  return null;
}

/** A failure is told once until it works again: the schedule goes on from memory. */
function saveTo(write: (batch: { cursors: ReadonlyMap<string, Cursor | null> }) => Promise<void>, log: Log) {
  let failing = false;
  return (cursors: ReadonlyMap<string, Cursor | null>): void => {
    write({ cursors }).then(
      () => {
        if (failing) log('info', 'state', { msg: 'the bookkeeping is stored again' });
        failing = false;
      },
      (error: unknown) => {
        if (!failing) log('error', 'state', { msg: `the bookkeeping is not stored: ${messageOf(error)}` });
        failing = true;
      },
    );
  };
}

/** Says once that the disk is too full, and once that it is no more. */
function roomTeller(spool: string, log: Log): () => boolean {
  let room = true;
  return () => {
    const has = hasRoom(spool);
    if (room && !has) log('error', 'state', { msg: `nothing is started: less than 5 % are free where ${spool} is` });
    if (has && !room) log('info', 'state', { msg: `there is room again where ${spool} is` });
    room = has;
    return has;
  };
}

function keepSpoolClean(spool: string): () => void {
  let cancel = (): void => {};
  const prune = async (): Promise<void> => {
    cancel = systemClock.after(SPOOL_PRUNED_EVERY, prune);
    await pruneSpool(spool, systemClock.now());
  };
  void prune();
  return () => cancel();
}

/** TERM and INT stop, a second one kills at once; HUP reloads, one after the other. Answers how to let go of them. */
function handleSignals(scheduler: Scheduler, log: Log, reload: (() => Promise<void>) | null): () => Promise<void> {
  let stops = 0;
  let reloading = Promise.resolve();
  const stop = (signal: NodeJS.Signals): void => {
    stops += 1;
    if (stops === 1) {
      log('info', 'stop', { msg: `${signal}: nothing new starts, running tasks are told to end` });
      scheduler.stop();
    } else {
      log('warning', 'stop', { msg: `${signal} again: running tasks are killed` });
      scheduler.killAll();
    }
  };
  const hangUp = (): void => {
    if (reload !== null && stops === 0) reloading = reloading.then(reload);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', hangUp);
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', hangUp);
    return reloading;
  };
}
