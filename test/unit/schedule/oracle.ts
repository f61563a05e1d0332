/**
 * An oracle for SPEC 5, "Daylight saving", that shares nothing with src/schedule: it goes minute by minute over real
 * instants, with offsets from `zdump -v`, and decides from the rule's own words what is due.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ZONEINFO = '/usr/share/zoneinfo';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface Transition {
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

export interface Timeline {
  readonly zone: string;
  /** Offset before the first transition, ms. */
  readonly offset: number;
  readonly transitions: readonly Transition[];
}

/** One name for each different zone file, without those that count leap seconds (right/) and the copies (posix/). */
export function zoneNames(): string[] {
  if (!existsSync(join(ZONEINFO, 'Europe/Berlin'))) {
    throw new Error(`no zone files in ${ZONEINFO}: install tzdata (make test does)`);
  }
  const names = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(ZONEINFO, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (name !== 'right' && name !== 'posix') walk(name);
        continue;
      }
      const bytes = readFileSync(join(ZONEINFO, name));
      if (bytes.subarray(0, 4).toString('latin1') !== 'TZif') continue;
      const hash = createHash('sha256').update(bytes).digest('hex');
      const known = names.get(hash);
      if (/^[A-Z]/.test(name) && (known === undefined || name < known)) names.set(hash, name);
    }
  };
  walk('');
  return [...names.values()].sort();
}

function zdump(args: readonly string[]): string {
  try {
    return execFileSync('zdump', args, { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C' } });
  } catch (thrown) {
    throw new Error('zdump cannot be run: install libc-bin (make test does)', { cause: thrown });
  }
}

/** What `zdump -v` says of each zone between the two years; every change of offset. */
export function timelines(zones: readonly string[], fromYear: number, toYear: number): Timeline[] {
  const files = zones.map((zone) => join(ZONEINFO, zone));
  const lines = new Map<string, { at: number; offset: number }[]>(files.map((file) => [file, []]));
  const pattern = /^(\S+) +\w{3} (\w{3} [ \d]\d \d\d:\d\d:\d\d \d+) UT = .* gmtoff=(-?\d+)$/gm;
  for (const [, file = '', time = '', offset] of zdump(['-v', '-c', `${fromYear},${toYear}`, ...files]).matchAll(
    pattern,
  )) {
    lines.get(file)?.push({ at: Date.parse(`${time} UTC`), offset: Number(offset) * 1000 });
  }
  const now = Date.now();
  const today = new Map(
    [...zdump(files).matchAll(/^(\S+) +\w{3} (\w{3} [ \d]\d \d\d:\d\d:\d\d \d+)/gm)].map(([, file, time]) => [
      file,
      Date.parse(`${time} UTC`) - now,
    ]),
  );
  return zones.map((zone, index) => {
    const file = files[index] ?? '';
    const found = lines.get(file) ?? [];
    const transitions: Transition[] = [];
    // They come in pairs: the last second before, and the first after.
    for (let at = 0; at + 1 < found.length; at += 2) {
      const [last, first] = [found[at], found[at + 1]];
      if (!last || !first || first.at - last.at !== 1000) throw new Error(`zdump of ${zone} is not understood`);
      if (last.offset !== first.offset) transitions.push({ at: first.at, before: last.offset, after: first.offset });
    }
    // A zone without any transition shows its offset today, which is a multiple of a quarter of an hour.
    const quarter = 15 * MINUTE;
    const fixed = Math.round((today.get(file) ?? Number.NaN) / quarter) * quarter;
    const offset = transitions[0]?.before ?? found[0]?.offset ?? fixed;
    if (!Number.isInteger(offset)) throw new Error(`zdump does not tell the offset of ${zone}`);
    return { zone, offset, transitions };
  });
}

export function offsetAt(timeline: Timeline, instant: number): number {
  let offset = timeline.offset;
  for (const { at, after } of timeline.transitions) {
    if (at > instant) break;
    offset = after;
  }
  return offset;
}

/** A minute of the wall clock and what became of it. */
interface Minute {
  readonly wall: number;
  /** The instant it was shown at, or the end of the gap it lies in. */
  readonly at: number;
  readonly kind: 'shown' | 'again' | 'leapt';
  readonly fields: readonly [minute: number, hour: number, day: number, month: number, weekday: number];
}

/**
 * All minutes of the wall clock in [from, to), in the order of real time. Offsets must be whole minutes, and no overlap
 * may lead back behind `from`.
 */
export function minutesOf(timeline: Timeline, from: number, to: number): Minute[] {
  const before = timeline.transitions.some(({ at }) => at > from - 60 * HOUR && at <= from) ? 60 * HOUR : 0;
  const minutes: Minute[] = [];
  const done = new Set<number>();
  let date: { day: number; of: [day: number, month: number, weekday: number] } = { day: Number.NaN, of: [0, 0, 0] };
  const start = from - before;
  let last = start + offsetAt(timeline, start) - MINUTE;
  const add = (wall: number, at: number, kind: Minute['kind']): void => {
    done.add(wall);
    if (at < from) return;
    const day = Math.floor(wall / DAY);
    if (day !== date.day) {
      const midnight = new Date(day * DAY);
      date = { day, of: [midnight.getUTCDate(), midnight.getUTCMonth() + 1, midnight.getUTCDay()] };
    }
    const ofDay = (wall - day * DAY) / MINUTE;
    minutes.push({ wall, at, kind, fields: [ofDay % 60, Math.floor(ofDay / 60), ...date.of] });
  };
  let next = timeline.transitions.findIndex(({ at }) => at > start);
  let offset = offsetAt(timeline, start);
  for (let at = start; at < to; at += MINUTE) {
    const transition = next < 0 ? undefined : timeline.transitions[next];
    if (transition !== undefined && at >= transition.at) {
      if (at !== transition.at || transition.after % MINUTE !== 0) throw new Error('no whole minutes');
      offset = transition.after;
      next += 1;
    }
    const wall = at + offset;
    for (let leapt = last + MINUTE; leapt < wall; leapt += MINUTE) if (!done.has(leapt)) add(leapt, at, 'leapt');
    add(wall, at, done.has(wall) ? 'again' : 'shown');
    last = wall;
  }
  return minutes;
}

// ------------------------------------------------------------------------------------------- a simple cron of its own

const NAMES = 'sun mon tue wed thu fri sat'.split(' ');
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** Whether one value is in a field of `*`, numbers, names, ranges, steps and lists. */
function holds(text: string, value: number, lowest: number, highest: number, names: readonly string[]): boolean {
  const read = (word: string): number => {
    const name = names.indexOf(word);
    return name >= 0 ? name + lowest : Number(word);
  };
  return text.split(',').some((item) => {
    const [body = '', step = '1'] = item.split('/');
    const [first = '', second] = body.split('-');
    const from = body === '*' ? lowest : read(first);
    const to = body === '*' || (second === undefined && item.includes('/')) ? highest : read(second ?? first);
    return value >= from && value <= to && (value - from) % Number(step) === 0;
  });
}

function table(text: string, lowest: number, highest: number, names: readonly string[] = []): boolean[] {
  return Array.from(
    { length: 64 },
    (_, value) => value >= lowest && value <= highest && holds(text, value, lowest, highest, names),
  );
}

export interface SimpleCron {
  readonly expression: string;
  readonly seconds: readonly number[];
  readonly tables: readonly [boolean[], boolean[], boolean[], boolean[], boolean[]];
  readonly wildcard: boolean;
  readonly both: boolean;
}

/** Five fields, or six with the seconds first; no `L`, no `#`, no hashes. */
export function simpleCron(expression: string): SimpleCron {
  const texts = expression.toLowerCase().split(' ');
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = ''] =
    texts.length === 6 ? texts : ['0', ...texts];
  const week = table(weekday, 0, 7, NAMES);
  week[0] = week[0] === true || week[7] === true;
  const seconds = table(second, 0, 59);
  return {
    expression,
    seconds: [...seconds.keys()].filter((of) => seconds[of]),
    tables: [table(minute, 0, 59), table(hour, 0, 23), table(day, 1, 31), table(month, 1, 12, MONTHS), week],
    wildcard: minute.startsWith('*') || hour.startsWith('*'),
    both: day.startsWith('*') || weekday.startsWith('*'),
  };
}

export function matches({ tables, both }: SimpleCron, fields: Minute['fields']): boolean {
  if (!tables[0][fields[0]] || !tables[1][fields[1]] || !tables[3][fields[3]]) return false;
  const [day, weekday] = [tables[2][fields[2]] === true, tables[4][fields[4]] === true];
  return both ? day && weekday : day || weekday;
}

/** When the schedule is due, ascending, each instant once. */
export function dueTimes(cron: SimpleCron, minutes: readonly Minute[]): number[] {
  const due: number[] = [];
  for (const { at, kind, fields } of minutes) {
    if (kind === (cron.wildcard ? 'leapt' : 'again') || !matches(cron, fields)) continue;
    if (kind !== 'leapt') for (const second of cron.seconds) due.push(at + 1000 * second);
    else if (due.at(-1) !== at) due.push(at);
  }
  // At the end of a gap the first minute after it may be due at the same instant.
  return due.filter((at, index) => at !== due[index - 1]);
}
