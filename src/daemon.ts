/**
 * Wiring, and nothing else: configuration, log, lock, store and signals around the scheduler, for a daemon that stays and
 * for a single pass alike (SPEC 11). Promises that what was opened is closed again in the right order, whatever happens.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { configurationStems, type LoadOptions, loadConfiguration } from './conf/load.ts';
import { CurrentLog } from './log/current-log.ts';
import { createLogger } from './log/logger.ts';
import { accounts } from './platform/accounts.ts';
import { systemClock } from './platform/clock.ts';
import { openControlGroups } from './platform/control-groups.ts';
import { openJournal } from './platform/journal.ts';
import { closeOnExec, native } from './platform/native.ts';
import type { Paths } from './platform/paths.ts';
import { ownProgram } from './platform/process-image.ts';
import { CREDENTIALS } from './platform/run-folder.ts';
import { spareNotify } from './platform/sd-notify.ts';
import { preload } from './preload.ts';
import { Reloads, tellProblems } from './reload.ts';
import { Books } from './scheduler/books.ts';
import { Closing } from './scheduler/closing.ts';
import { tellWarnings } from './scheduler/configuration-warnings.ts';
import { settleCrash } from './scheduler/crash.ts';
import { keepTidy, roomTeller } from './scheduler/housekeeping.ts';
import { takePlace } from './scheduler/own-place.ts';
import { reportEvent, reportSummary } from './scheduler/report.ts';
import { Restart } from './scheduler/restart.ts';
import { checkRestart } from './scheduler/restart-check.ts';
import { startRun } from './scheduler/run.ts';
import { newRunId } from './scheduler/run-id.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { scopeOf, stampIn } from './scheduler/scope.ts';
import { type Bustle, Service } from './scheduler/service.ts';
import { Signals } from './scheduler/signals.ts';
import { makeSpool } from './scheduler/spool.ts';
import { startAnew } from './scheduler/start-anew.ts';
import { steer } from './scheduler/steering.ts';
import { stateFolder } from './state/folder.ts';
import { pauseAt, pausesOf } from './state/pauses.ts';
import { openStore } from './state/store.ts';
import { openNotifier } from './systemd/notify.ts';
import type { Configuration, Level, Logger, Ms, Summary } from './types.ts';

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
  /** The group of the control socket, where there is one of that name; null: none. */
  readonly group: string | null;
  /** Called once when tasks can run. */
  readonly ready: () => void;
}

/** For what came in while the loop read a large configuration. */
const A_MOMENT: Ms = 10;

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
  const logs = new CurrentLog(await openLog(configuration));
  const { log } = logs;
  const tell = (level: Level, msg: string): void => log(level, 'systemd', { msg });

  const signals = new Signals(log);
  const closing = new Closing();
  let summary: Summary;
  let restarts = false;
  // A restart listens to the last: a stop wins.
  closing.add(() => (restarts ? undefined : signals.release()));
  try {
    const { host, env, zones } = options.load;
    const groups = stays ? openControlGroups({ tell }) : null;
    const tellOf = (conf: Configuration): void => {
      tellProblems(log, conf.problems);
      tellWarnings(conf, { context: { accounts, uid: host.uid, env }, groups, log });
    };
    const clock = systemClock;
    const notifier = openNotifier(stays ? env : {}, tell, spareNotify);
    const service = new Service({ notifier, clock, zones });
    closing.add(() => service.close());
    tellOf(configuration);
    const folder = stateFolder(paths.state, configurationStems(options.load), configuration.files);
    const place = takePlace({ ...options, folder, run: paths.run, files: configuration.files, log }, closing);
    const store = openStore(folder, closeOnExec, options.version);
    closing.add(() => store.close());
    store.keepHistory(configuration.history);

    const spool = makeSpool(folder);
    const books = new Books({ clock, store, log, group: GROUP });
    closing.add(() => books.end());
    // What belongs to a live owner is not settled.
    const settling = { store, books, spool, configuration, boot: host.boot, groups, clock, log };
    const open = place.locked ? await service.during(settleCrash(settling)) : [];
    const parts = {
      clock,
      native,
      accounts,
      env,
      uid: host.uid,
      controlGroups: () => (configuration.controlGroups ? groups : null),
      credentials: join(place.folder, CREDENTIALS),
      stored: books,
      close: books.settle.bind(books),
      scope: scopeOf(env, host, clock),
      log,
      resultFolder: join(paths.data, 'result'),
      spool,
      stamp: stampIn(zones),
    };
    const roomToStart = roomTeller(spool, log);
    const scheduler = new Scheduler(
      {
        ...parts,
        books,
        boot: host.boot,
        start: (run, entry) => startRun(run, entry, parts),
        newRunId: () => newRunId(clock.now()),
        pausesOf: (task) => pausesOf(folder, task),
        roomToStart,
        zonesChanged: () => zones.changed(),
        emit: (event) => reportEvent(log, event),
        tellClock: (level, msg) => log(level, 'clock', { msg }),
        longestWait: service.longestWait,
        turned(busy) {
          service.turned(busy);
          restart.look();
        },
        passed: (summary) => reportSummary(log, summary),
      },
      mode,
      { cursors: store.cursors(), open },
    );

    const load = (): Promise<Configuration> => loadConfiguration(options.load);
    const reloads = new Reloads({
      current: () => configuration,
      load,
      during: (work) => service.reloading(work),
      now: clock.now,
      log,
      async adopt(next) {
        const nextLogger = await openLog(next);
        // Reading took its time, and what ended meanwhile is to be seen before what is due now.
        await pause(A_MOMENT);
        logs.swap(nextLogger);
        configuration = next;
        tellOf(next);
        store.keepHistory(next.history);
        if (!signals.stopped) scheduler.load(next);
      },
    });
    const restart = new Restart({
      clock,
      program,
      moment: () => scheduler.moment,
      running: () => scheduler.rows.running().map(({ task }) => task),
      flush: () => books.flush() && roomToStart(),
      check: (signal) => checkRestart({ program, command: ownProgram('--version'), env, load, signal }),
      stopping: () => scheduler.stopping,
      letGo() {
        service.restarting();
        scheduler.stop();
      },
      log,
    });

    scheduler.load(configuration);
    closing.add(() => reloads.idle());
    closing.add(keepTidy({ spool, store, groups, clock }));
    if (stays) {
      await preload();
      const steering = steer({
        about: { program, version: options.version, pid: process.pid, startedAt: clock.now() },
        scheduler,
        configuration: () => configuration,
        reload: () => reloads.request(),
        reloaded: () => reloads.told,
        restart,
        closed: (task) => store.closed(task),
        pausedUntil: (task, at) => pauseAt(folder, task, at)?.until ?? null,
        now: clock.now,
      });
      const { openControlRoom } = await import('./scheduler/control-room.ts');
      closing.add(
        await openControlRoom({
          run: paths.run,
          folder: place.folder,
          group: options.group,
          uid: host.uid,
          steering,
          steerGroup: () => configuration.steerGroup,
          log,
        }),
      );
      closing.add(() => restart.close());
      const about = { version: options.version, pid: process.pid, tasks: configuration.tasks.length };
      log('info', 'start', { msg: `${program} schedules`, ...about });
    }
    options.ready();
    const { rows } = scheduler;
    const bustle = (): Bustle => ({
      running: rows.running().length,
      waiting: rows.waiting().length,
      next: scheduler.summary.next,
    });
    if (signals.stopped) scheduler.stop();
    else service.ready(bustle);
    signals.attach(
      {
        stop() {
          service.stopping();
          scheduler.stop();
        },
        killAll: () => scheduler.killAll(),
      },
      // Why it is refused is in the log.
      stays ? () => void reloads.request().catch(() => {}) : null,
    );
    summary = await scheduler.run();
    restarts = restart.begun && !signals.stopped;
    if (stays && !restarts) log('info', 'stop', { msg: `${program} has stopped` });
  } finally {
    await closing.run((msg) => log('error', 'stop', { msg }));
    await logs.close();
  }
  const stopped = (): boolean => signals.stopped;
  if (restarts) await startAnew({ env: options.load.env, stopped, openLog: () => openLog(configuration) });
  return summary;
}
