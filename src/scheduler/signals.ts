/** The signals of a scheduler: TERM and INT stop, a second one kills at once; HUP reloads, one after the other. */
import type { Level, LogEvent, LogFields } from '../types.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * @param reload null where there is none: SIGHUP is then ignored
 * @returns lets go of the signals; resolves when no reload is under way any more
 */
export function handleSignals(
  scheduler: Pick<Scheduler, 'stop' | 'killAll'>,
  log: (level: Level, event: LogEvent, fields: LogFields) => void,
  reload: (() => Promise<void>) | null,
): () => Promise<void> {
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
