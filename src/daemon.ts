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
import { Books } from './scheduler/books.ts';
import { keepTidy, roomTeller } from './scheduler/housekeeping.ts';
import { recover } from './scheduler/recovery.ts';
import { reportEvent, reportSummary } from './scheduler/report.ts';
import { startRun } from './scheduler/run.ts';
import { newRunId } from './scheduler/run-id.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { scopeOf, stampIn } from './scheduler/scope.ts';
import { Signals } from './scheduler/signals.ts';
import { makeSpool } from './scheduler/spool.ts';
import { stateFolder } from './state/folder.ts';
import { pausesOf } from './state/pauses.ts';
import { openStore, type Store } from './state/store.ts';
import type { Boot, Configuration, Entry, Level, LogEvent, LogFields, Logger, Ms, Problem, Summary } from './types.ts';

/** Ends of runs within this share a sync. */
const GROUP: Ms = 20;

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

  const signals = new Signals(log);
  const closing: (() => void | Promise<void>)[] = [() => logger.close(), () => signals.release()];
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

    store.keepHistory(configuration.history);

    const spool = makeSpool(folder);
    const { host, env, zones } = options.load;
    const clock = systemClock;
    const books = new Books({ clock, store, log, group: GROUP });
    closing.unshift(() => books.end());
    // What belongs to a live owner is not settled.
    const open = lock === null ? [] : await settleCrash({ store, books, spool, configuration, boot: host.boot, log });
    const parts = {
      clock,
      native,
      env,
      stored: books,
      close: books.settle.bind(books),
      scope: scopeOf(env, host, clock),
      log,
      resultFolder: join(options.paths.data, 'result'),
      spool,
      stamp: stampIn(zones),
    };
    const scheduler = new Scheduler(
      {
        ...parts,
        books,
        boot: host.boot,
        start: (run, entry) => startRun(run, entry, parts),
        newRunId: () => newRunId(clock.now()),
        pausesOf: (task) => pausesOf(folder, task),
        roomToStart: roomTeller(spool, log),
        zonesChanged: () => zones.changed(),
        emit: (event) => reportEvent(logger, event),
        tellClock: (level, msg) => log(level, 'clock', { msg }),
        passed: (summary) => reportSummary(logger, summary),
      },
      options.mode,
      { cursors: store.cursors(), open },
    );

    const reload = async (): Promise<void> => {
      try {
        const next = await loadConfiguration(options.load);
        const errors = newErrors(configuration, next);
        if (errors.length > 0) {
          throw new FateError('CONF_INVALID', 'the configuration has new problems', { problems: errors });
        }
        const nextLogger = await openLog(next);
        if (signals.stopped) return await nextLogger.close();
        const old = logger;
        logger = nextLogger;
        await old.close();
        const { added, removed, changed } = compareTasks(configuration, next);
        configuration = next;
        store.keepHistory(next.history);
        scheduler.load(next);
        log('info', 'reload', { msg: 'the configuration was read again', added, removed, changed });
      } catch (error) {
        if (error instanceof FateError) tellProblems(log, error.problems);
        log('error', 'reload', { msg: `the old configuration stays: ${messageOf(error)}` });
      }
    };

    scheduler.load(configuration);
    signals.attach(scheduler, options.mode === 'stay' ? reload : null);
    closing.unshift(() => signals.idle());
    closing.unshift(keepTidy(spool, store, clock));
    if (options.mode === 'stay') {
      log('info', 'start', {
        msg: `${options.program} schedules`,
        pid: process.pid,
        tasks: configuration.tasks.length,
      });
    }
    options.ready();
    if (signals.stopped) scheduler.stop();
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

/** Settles what a crash left, before anything is started (SPEC 11). Answers the entries that go on. */
async function settleCrash({ store, books, spool, configuration, boot, log }: CrashParts): Promise<readonly Entry[]> {
  const before = store.boot();
  const sameBoot = before === null || before === boot.kernel;
  const tasks = new Map(configuration.tasks.map((task) => [task.name, task]));
  const { open, unwritten } = await recover({ store, spool, sameBoot, boot: boot.id, tasks, clock: systemClock, log });
  const settled = (): void => {
    try {
      if (before !== boot.kernel) store.setBoot(boot.kernel);
    } catch (error) {
      log('error', 'state', { msg: messageOf(error) });
    }
  };
  if (unwritten === null) settled();
  else void (await books.settle(unwritten.batch)).later.then(() => unwritten.clear()).then(settled);
  return open;
}

interface CrashParts {
  readonly store: Store;
  readonly books: Books;
  readonly spool: string;
  readonly configuration: Configuration;
  readonly boot: Boot;
  readonly log: Log;
}
