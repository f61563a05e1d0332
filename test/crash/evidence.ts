/**
 * What a campaign leaves behind, gathered after a clean stop: the ledger, the tasks' own journal, results, states, the spool.
 * Promises the checker that nothing in it was interpreted by the scheduler: only the ledger is read through src/state.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReader } from '../../src/state/reader.ts';
import { openStore, type StoredState } from '../../src/state/store.ts';
import type { Entry, EpochMs, Output } from '../../src/types.ts';

/** One line of the tasks' own journal. */
export interface Line {
  readonly what: 'S' | 'E';
  readonly task: string;
  readonly id: string;
  readonly attempt: number;
  /** Of a start. */
  readonly due: EpochMs | null;
  /** Of a start of a task that counts: what it read from its state. */
  readonly count: number | null;
}

/** When somebody was there, by the clock of the harness. */
export interface Span {
  /** Nothing was due before: the first daemon was not started yet. */
  readonly from: EpochMs;
  /** From here on nothing is allowed to be missing: the first daemon was ready. */
  readonly sure: EpochMs;
  /** Up to here nothing is allowed to be missing: the last daemon was told to stop. */
  readonly until: EpochMs;
  /** Nothing may be there of later: it had stopped. */
  readonly to: EpochMs;
}

export interface Evidence {
  readonly span: Span;
  readonly open: readonly Entry[];
  readonly closed: readonly Entry[];
  readonly journal: readonly Line[];
  /** Lines of the journal that cannot be read. */
  readonly torn: readonly string[];
  output(id: string): Output | null;
  /** By task. */
  readonly states: ReadonlyMap<string, StoredState | null>;
  /** Paths of all files in the result folder, hidden ones too. */
  readonly files: readonly string[];
  read(path: string): string;
  readonly spoolFolder: string;
  /** By name of the folder in the spool: the names in it. */
  readonly spool: ReadonlyMap<string, readonly string[]>;
  /** What is left in the run folder. */
  readonly run: readonly string[];
}

export interface Places {
  readonly state: string;
  readonly results: string;
  readonly run: string;
  readonly journal: string;
}

export async function gatherEvidence(places: Places, tasks: readonly string[], span: Span): Promise<Evidence> {
  const reader = openReader(places.state);
  if (reader === null) throw new Error(`there is no ledger in ${places.state}`);
  const open = reader.openEntries();
  const closed = [...reader.closed()];
  const outputs = new Map<string, Output | null>();
  for (const { id } of closed) outputs.set(id, reader.output(id));
  await reader.close();
  const store = openStore(places.state);
  const states = new Map(tasks.map((task) => [task, store.state(task)]));
  await store.close();
  const spoolFolder = join(places.state, 'spool');
  return {
    span,
    open,
    closed,
    ...parseJournal(readFileSync(places.journal, 'utf8')),
    output: (id) => outputs.get(id) ?? null,
    states,
    files: namesIn(places.results).map((name) => join(places.results, name)),
    read: (path) => readFileSync(path, 'utf8'),
    spoolFolder,
    spool: new Map(namesIn(spoolFolder).map((name) => [name, namesIn(join(spoolFolder, name))])),
    run: namesIn(places.run),
  };
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

const START = /^S (\S+) ([0-9a-z]+) (\d+) (\S+) \d+ (\d+|-)$/;
const END = /^E (\S+) ([0-9a-z]+) (\d+)$/;

/** What the tasks wrote themselves (load.sh). */
export function parseJournal(text: string): { journal: Line[]; torn: string[] } {
  const journal: Line[] = [];
  const lines = text.split('\n');
  // The text behind the last newline: empty, unless a line was cut.
  const torn = [lines.pop() ?? ''].filter((rest) => rest !== '');
  for (const line of lines) {
    const [, task = '', id = '', attempt = '', due, count] = START.exec(line) ?? END.exec(line) ?? [];
    const at = due === undefined ? null : Date.parse(due);
    if (task === '' || Number.isNaN(at)) torn.push(line);
    else {
      const what = due === undefined ? 'E' : 'S';
      const read = count === undefined || count === '-' ? null : Number(count);
      journal.push({ what, task, id, attempt: Number(attempt), due: at, count: read });
    }
  }
  return { journal, torn };
}
