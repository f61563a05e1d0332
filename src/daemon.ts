/**
 * Wiring, and nothing else: configuration, log, lock, store and signals around the scheduler, for a daemon that stays and
 * for a single pass alike (SPEC 11). Promises that what was opened is closed again in the right order, whatever happens.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { configurationStems, type LoadOptions, loadConfiguration } from './conf/load.ts';
import { formatProblem } from './conf/problems.ts';
import { FateError } from './errors.ts';
import { makeFoldersSync } from './folders.ts';
import { createLogger } from './log/logger.ts';
import { accounts } from './platform/accounts.ts';
import { systemClock } from './platform/clock.ts';
import { openControlGroups } from './platform/control-groups.ts';
import { openJournal } from './platform/journal.ts';
import { acquireLock, type Lock } from './platform/lock.ts';
import { closeOnExec, native } from './platform/native.ts';
import type { Paths } from './platform/paths.ts';
import { makeRunFolder, pruneRunFolders, runFolder } from './platform/run-folder.ts';
import { spareNotify } from './platform/sd-notify.ts';
import { preload } from './preload.ts';
import { Reloads, tellProblems } from './reload.ts';
import { Books } from './scheduler/books.ts';
import { contextWarnings } from './scheduler/context-warnings.ts';
import { settleCrash } from './scheduler/crash.ts';
import { keepTidy, roomTeller } from './scheduler/housekeeping.ts';
import { limitWarnings } from './scheduler/limit-warnings.ts';
import { reportEvent, reportSummary } from './scheduler/report.ts';
import { startRun } from './scheduler/run.ts';
import { newRunId } from './scheduler/run-id.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { scopeOf, stampIn } from './scheduler/scope.ts';
import { Service } from './scheduler/service.ts';
import { Signals } from './scheduler/signals.ts';
import { makeSpool } from './scheduler/spool.ts';
import { steer } from './scheduler/steering.ts';
import { stateFolder } from './state/folder.ts';
import { pauseAt, pausesOf } from './state/pauses.ts';
import { openStore } from './state/store.ts';
import { openNotifier } from './systemd/notify.ts';
import type { Configuration, Level, LogEvent, LogFields, Logger, Ms, Summary } from './types.ts';

/** Ends of runs within this share a sync. */
const GROUP: Ms = 20;

export interface EngineOptions {
  readonly program: string;
  readonly version: string;
  readonly mode: 'pass' | 'stay';
  readonly paths: Paths;
  readonly load: LoadOptions;
  /** Go on where another scheduler holds the lock. */
  readonly force: boolean;
  /** Overrides the level of every log target. */
  readonly logLevel: Level | null;
  /** Remove the run folders of schedulers that are no more. */
  readonly prune: boolean;
  /** The group of the control socket, where there is one of that name. */
  readonly group: string;
  /** Called once when tasks can run. */
  readonly ready: () => void;
}

/** Runs until stopped, or for one pass. @throws FateError when it cannot start. */
export async function runEngine(options: EngineOptions): Promise<Summary> {
  const { program, paths, mode } = options;
  const stays = mode === 'stay';
  let configuration = await loadConfiguration(options.load);
  const session = newRunId(systemClock.now());
  // Loads a library: only where systemd says that somebody listens.
  const journal = options.load.env.JOURNAL_STREAM ? openJournal() : null;
  const openLog = (conf: Configuration): Promise<Logger> => {
    const common = { level: options.logLevel, session, program, journal, clock: systemClock, env: process.env };
    return createLogger({ targets: conf.log, ...common });
  };
  let logger = await openLog(configuration);
  const log = (level: Level, event: LogEvent, fields: LogFields): void => logger.log(level, event, fields);
  const tell = (level: Level, msg: string): void => log(level, 'systemd', { msg });

  const signals = new Signals(log);
  const closing: (() => void | Promise<void>)[] = [() => logger.close(), () => signals.release()];
  try {
    const { host, env, zones } = options.load;
    const groups = stays ? openControlGroups({ tell }) : null;
    /** What is wrong with it, and what of it this scheduler cannot give. */
    const tellOf = (conf: Configuration): void => {
      tellProblems(log, conf.problems);
      // Where there are groups, what they lack is said when a run needs it.
      const unheld = groups === null || !conf.controlGroups ? limitWarnings(conf, null) : [];
      for (const warning of [...contextWarnings(conf, { accounts, uid: host.uid, env }), ...unheld]) {
        log('warning', 'config', { msg: formatProblem(warning), task: warning.task });
      }
    };
    const clock = systemClock;
    const notifier = openNotifier(stays ? env : {}, tell, spareNotify);
    const service = new Service({ notifier, clock, zones });
    closing.unshift(() => service.close());
    tellOf(configuration);
    const folder = stateFolder(paths.state, configurationStems(options.load), configuration.files);
    const lock = takeLock(folder, options, log);
    if (lock !== null) closing.unshift(() => lock.release());
    const ownFolder = runFolder(paths.run, process.pid);
    makeFoldersSync(paths.run, 0o755);
    if (options.prune) pruneRunFolders(paths.run);
    makeRunFolder(ownFolder, configuration.files);
    closing.unshift(() => rmSync(ownFolder, { recursive: true, force: true }));
    const store = openStore(folder, closeOnExec);
    closing.unshift(() => store.close());
    store.keepHistory(configuration.history);

    const spool = makeSpool(folder);
    const books = new Books({ clock, store, log, group: GROUP });
    closing.unshift(() => books.end());
    // What belongs to a live owner is not settled.
    const open =
      lock === null
        ? []
        : await service.during(
            settleCrash({ store, books, spool, configuration, boot: host.boot, groups, clock, log }),
          );
    const parts = {
      clock,
      native,
      accounts,
      env,
      uid: host.uid,
      controlGroups: () => (configuration.controlGroups ? groups : null),
      credentials: join(ownFolder, 'credentials'),
      stored: books,
      close: books.settle.bind(books),
      scope: scopeOf(env, host, clock),
      log,
      resultFolder: join(paths.data, 'result'),
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
        longestWait: service.longestWait,
        turned: (busy) => service.turned(busy),
        passed: (summary) => reportSummary(logger, summary),
      },
      mode,
      { cursors: store.cursors(), open },
    );

    const reloads = new Reloads({
      current: () => configuration,
      load: () => loadConfiguration(options.load),
      now: clock.now,
      log,
      async adopt(next) {
        const nextLogger = await openLog(next);
        const old = logger;
        logger = nextLogger;
        await old.close();
        configuration = next;
        tellOf(next);
        store.keepHistory(next.history);
        if (!signals.stopped) scheduler.load(next);
      },
    });
    const reload = (): ReturnType<Reloads['request']> => service.reloading(() => reloads.request());

    scheduler.load(configuration);
    signals.attach(
      {
        stop() {
          service.stopping();
          scheduler.stop();
        },
        killAll: () => scheduler.killAll(),
      },
      // Why it is refused is in the log.
      stays ? () => void reload().catch(() => {}) : null,
    );
    closing.unshift(() => reloads.idle());
    closing.unshift(keepTidy({ spool, store, groups, clock }));
    if (stays) {
      await preload();
      const steering = steer({
        about: { program, version: options.version, pid: process.pid, startedAt: clock.now() },
        scheduler,
        configuration: () => configuration,
        reload,
        reloaded: () => reloads.told,
        last: (task) => firstOf(store.closed(task)),
        pausedUntil: (task, at) => pauseAt(folder, task, at)?.until ?? null,
        now: clock.now,
      });
      const { openControlRoom } = await import('./scheduler/control-room.ts');
      closing.unshift(
        await openControlRoom({
          run: paths.run,
          folder: ownFolder,
          group: options.group,
          uid: host.uid,
          steering,
          steerGroup: () => configuration.steerGroup,
          log,
        }),
      );
      log('info', 'start', { msg: `${program} schedules`, pid: process.pid, tasks: configuration.tasks.length });
    }
    options.ready();
    if (signals.stopped) scheduler.stop();
    else {
      const { rows } = scheduler;
      service.ready(() => ({
        running: rows.running().length,
        waiting: rows.waiting().length,
        next: scheduler.summary.next,
      }));
    }
    const summary = await scheduler.run();
    if (stays) log('info', 'stop', { msg: `${program} has stopped` });
    return summary;
  } finally {
    for (const close of closing) await close();
  }
}

function firstOf<T>(all: Iterable<T>): T | null {
  for (const one of all) return one;
  return null;
}

type Log = (level: Level, event: LogEvent, fields: LogFields) => void;

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
