/**
 * What people ask of the loop: a run beside the schedule, the end of one, a look at what goes. Promises whoever asked for a
 * run to hear of its end once, also when it is never run.
 */
import { FateError } from '../errors.ts';
import type { Asked, Entry, EpochMs, LiveRow, Run, Task, Waited } from '../types.ts';
import type { Arrivals } from './arrivals.ts';
import type { Books } from './books.ts';
import { newEntry, runOf } from './entries.ts';
import type { Live, Roster } from './roster.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface RequestsParts {
  readonly books: Books;
  readonly roster: Roster;
  readonly room: WaitingRoom;
  readonly arrivals: Arrivals;
  newRunId(): string;
}

/** Of the beginning of a run's id, so much must be given. */
const SHORTEST_ID = 4;

export class Requests {
  readonly #parts: RequestsParts;
  readonly #watchers = new Map<string, ((entry: Entry) => void)[]>();

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  /**
   * A run of the task now, whose turn comes as that of any other (SPEC 12); what waits of it already is that run, unless
   * `overlap` lets several wait. Its condition is asked; a pause is not, since that is about due times.
   */
  ask(task: Task, now: EpochMs): Pick<Asked, 'run' | 'done'> {
    const { books, roster, room, arrivals } = this.#parts;
    const waits = task.overlap === 'allow' ? undefined : roster.of(task.name).find(({ stage }) => stage === 'waiting');
    if (waits !== undefined) return this.#asked(waits.run);
    const entry = { ...newEntry(this.#parts.newRunId(), task.name, now, now), byHand: true, queuedAt: now };
    const run = runOf(task, entry);
    const asked = this.#asked(run);
    if (arrivals.holds(run, entry)) {
      books.put(run.id, entry);
      room.enter(roster.add(run, entry, 'waiting'), now);
    }
    books.flush();
    return asked;
  }

  /**
   * Ends what goes and drops what waits: of a task, or one run by its id or the beginning of it.
   * @param isTask whether it is the name of a task, and so not the beginning of an id
   * @throws FateError RUN_UNKNOWN where there is nothing of that name, or more than one run of such an id
   */
  kill(what: string, isTask: boolean): readonly LiveRow[] {
    const { roster } = this.#parts;
    const found = isTask || roster.of(what).length > 0 ? roster.of(what) : this.#byId(what);
    const lives = found.filter(({ over }) => !over);
    if (lives.length === 0) throw new FateError('RUN_UNKNOWN', `nothing of ${what} runs or waits`);
    // As they were when they were told.
    const rows = lives.map(rowOf);
    for (const live of lives) this.#end(live);
    this.#parts.books.flush();
    return rows;
  }

  running(): LiveRow[] {
    return this.#rows(({ stage, over }) => stage === 'going' && !over);
  }

  /** Those that wait for their turn, then those that wait for a retry. */
  waiting(): LiveRow[] {
    return [...this.#rows(({ stage }) => stage === 'waiting'), ...this.#rows(({ stage }) => stage === 'retry')];
  }

  /** Nothing more comes of this occurrence. */
  closed(entry: Entry): void {
    const watchers = this.#watchers.get(entry.id);
    this.#watchers.delete(entry.id);
    for (const tell of watchers ?? []) tell(entry);
  }

  /** The scheduler stops: what waits still waits for the next one. */
  giveUp(): void {
    for (const [id, watchers] of this.#watchers) {
      const entry = this.#parts.roster.get(id)?.entry;
      if (entry === undefined || entry.phase === 'started') continue;
      this.#watchers.delete(id);
      for (const tell of watchers) tell(entry);
    }
  }

  /** What keeps a run from starting; null for one that goes, or is over. */
  waitedFor(run: string): Waited | null {
    const live = this.#parts.roster.get(run);
    return live?.stage === 'waiting' ? live.entry.waited : null;
  }

  #asked({ id }: Run): Pick<Asked, 'run' | 'done'> {
    const watchers = this.#watchers.get(id) ?? [];
    this.#watchers.set(id, watchers);
    const done = new Promise<Entry>((resolve) => {
      watchers.push(resolve);
    });
    return { run: id, done };
  }

  #byId(what: string): readonly Live[] {
    const exact = this.#parts.roster.get(what);
    if (exact !== undefined || what.length < SHORTEST_ID) return exact === undefined ? [] : [exact];
    const found = [...this.#parts.roster.all()].filter(({ run: { id } }) => id.startsWith(what));
    if (found.length < 2) return found;
    throw new FateError('RUN_UNKNOWN', `${found.length} runs begin with ${what}; more of the id is needed`);
  }

  #end(live: Live): void {
    const { room, arrivals } = this.#parts;
    if (live.stage === 'going') live.handle?.end('kill');
    else if (room.leave(live)) arrivals.skip(live.entry, 'warning', 'kill', 'it was told not to run (fate kill)');
  }

  #rows(wanted: (live: Live) => boolean): LiveRow[] {
    return [...this.#parts.roster.all()].filter(wanted).map(rowOf);
  }
}

function rowOf({ run, entry, stage }: Live): LiveRow {
  const { pid, startedAt, waited, retryAt, byHand } = entry;
  const { id, task, due, attempt } = run;
  const going = stage === 'going';
  return {
    run: id,
    task: task.name,
    due,
    attempt,
    phase: going ? 'started' : stage,
    byHand,
    startedAt: going ? startedAt : null,
    pid: going ? pid : null,
    waited: stage === 'waiting' ? waited : null,
    retryAt: stage === 'retry' ? retryAt : null,
  };
}
