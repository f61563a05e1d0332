/** What a crash left, settled before anything is started (SPEC 11). For the daemon and a pass. */
import { messageOf } from '../errors.ts';
import type { Store } from '../state/store.ts';
import type { Boot, Clock, Configuration, ControlGroups, Entry, Level, LogEvent, LogFields } from '../types.ts';
import type { Books } from './books.ts';
import { recover } from './recovery.ts';

export interface CrashParts {
  readonly store: Store;
  readonly books: Books;
  readonly spool: string;
  readonly configuration: Configuration;
  readonly boot: Boot;
  /** Those that this scheduler may manage. */
  readonly groups: ControlGroups | null;
  readonly clock: Clock;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

/** Answers the entries that go on. */
export async function settleCrash(parts: CrashParts): Promise<readonly Entry[]> {
  const { store, books, spool, configuration, boot, groups, clock, log } = parts;
  const before = store.boot();
  const sameBoot = before === null || before === boot.kernel;
  const tasks = new Map(configuration.tasks.map((task) => [task.name, task]));
  const { open, unwritten } = await recover({ store, spool, sameBoot, boot: boot.id, tasks, groups, clock, log });
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
