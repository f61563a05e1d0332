/** What `fate why` does: gathers what is known of a due time, and has it explained. */
import { formatProblem } from '../conf/problems.ts';
import { FateError } from '../errors.ts';
import { lockOwner } from '../platform/lock.ts';
import type { LedgerReader } from '../state/looking.ts';
import { pauseAt } from '../state/pauses.ts';
import type { Entry, EpochMs } from '../types.ts';
import type { WhyArguments } from './commands/why.ts';
import { entryJson } from './entry-json.ts';
import { type Configured, explain } from './explanation.ts';
import { printJson } from './json.ts';
import { type Moment, parseMoment, wallOf } from './moments.ts';
import { demandTask, type Recorded, withRecorded } from './recorded.ts';

export async function why(args: WhyArguments): Promise<number> {
  const now = Date.now();
  if (args.time !== undefined && parseMoment(args.time, null) === null) {
    throw new FateError('USAGE', `expected a time such as 2026-03-29T02:30 or 02:30, found ${args.time}`);
  }
  return withRecorded(args, async (recorded) => {
    await demandTask(args.task, recorded);
    const { ledger, configuration, zones, folder } = recorded;
    const wall = wallOf(args.task, configuration, zones);
    // On the wall clock of the task, as all its times are written.
    const asked = args.time === undefined ? null : parseMoment(args.time, wall.timezone);
    const found = ledger === null ? NOTHING : find(ledger, args.task, asked, now);
    const { sentences, next } = explain({
      task: args.task,
      asked,
      now,
      ...found,
      configured: configuredAs(args.task, recorded),
      cursor: ledger?.cursor(args.task) ?? null,
      history: configuration?.history ?? null,
      paused: pauseAt(folder, args.task, now),
      scheduler: schedulerOf(folder),
      at: wall.long,
    });
    if (args.json) {
      const json = {
        task: args.task,
        asked: asked === null ? null : new Date(asked.from).toISOString(),
        sentences,
        entry: found.entry === null ? null : entryJson(found.entry, wall.timezone, now),
        next: next === null ? null : new Date(next).toISOString(),
      };
      printJson(json);
    } else process.stdout.write(`${sentences.join('\n')}\n`);
    return 0;
  });
}

interface Found {
  readonly entry: Entry | null;
  readonly before: Entry | null;
  readonly after: Entry | null;
  readonly open: readonly Entry[];
  readonly output: boolean;
}

const NOTHING: Found = { entry: null, before: null, after: null, open: [], output: false };

/** The entry at the time asked for, or the latest that is due, with those around it. */
export function find(ledger: LedgerReader, task: string, asked: Moment | null, now: EpochMs): Found {
  const entry = asked === null ? latest(ledger, task, now) : within(ledger, task, asked);
  const at = entry?.first ?? asked?.from ?? now;
  const { before } = ledger.around(task, at);
  const { after } = ledger.around(task, entry?.due ?? at);
  const open = ledger
    .openEntries()
    .filter(
      (other) => other.task === task && other.id !== entry?.id && (other.phase !== 'planned' || other.due <= now),
    );
  const apart = (other: Entry | null): Entry | null => (other?.id === entry?.id ? null : other);
  return {
    entry,
    before: apart(before),
    after: apart(after),
    open,
    output: entry !== null && ledger.output(entry.id) !== null,
  };
}

function latest(ledger: LedgerReader, task: string, now: EpochMs): Entry | null {
  return ledger.covering(task, now) ?? ledger.around(task, now).before;
}

/** A time that was written to the minute means what was due within it. */
function within(ledger: LedgerReader, task: string, { from, until }: Moment): Entry | null {
  const covering = ledger.covering(task, from);
  if (covering !== null) return covering;
  const { after } = ledger.around(task, from);
  return after !== null && after.first < until ? after : null;
}

function configuredAs(name: string, { configuration, failure }: Recorded): Configured {
  if (configuration === null) return { kind: 'unreadable', message: failure?.message ?? 'it is not there' };
  const task = configuration.tasks.find((candidate) => candidate.name === name);
  if (task !== undefined) return { kind: 'task', task };
  const invalid = configuration.invalid.filter((candidate) => candidate.name === name);
  if (invalid.length === 0) return { kind: 'absent' };
  return { kind: 'invalid', problems: invalid.flatMap(({ problems }) => problems.map(formatProblem)) };
}

function schedulerOf(folder: string): string | null {
  const owner = lockOwner(folder);
  return owner === null ? null : `${owner.program} (pid ${owner.pid})`;
}
