/** The checker of the crash harness finds each sort of fault: a campaign without findings says something only because of this. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_POINTS } from '../../src/faults.ts';
import { newEntry } from '../../src/scheduler/entries.ts';
import type { Ending, Entry, Excerpt, Status } from '../../src/types.ts';
import { blows, seeded } from './blows.ts';
import { check, type Fault } from './checker.ts';
import { type Evidence, type Line, parseJournal } from './evidence.ts';
import { RULES, type Rule, resultText } from './load.ts';

const AT = Date.UTC(2026, 0, 1, 12);
const SECOND = 1_000;

function rule(name: string, changes: Partial<Rule> = {}): Rule {
  const one = RULES.find((candidate) => candidate.name === 'quick');
  assert.ok(one !== undefined);
  return { ...one, name, period: SECOND, groups: [`task ${name}`], tenancy: 9, ...changes };
}

const RESULT = rule('result', { results: (run) => [{ label: '', ext: '.json', content: resultText(run, 5) }] });
const COUNT = rule('count', { counts: 3 });
const FAIL = rule('fail', {
  ends: ['Error'],
  wrote: ({ id }) => ({ stdout: `out ${id}`, stderr: `err ${id}` }),
});
const LOST = rule('lost', { retry: { limit: 1, on: ['lost'] } });

/** Three seconds of four tasks in which all went well, as a thing that tests spoil. */
class Scene {
  rules: Rule[] = [RESULT, COUNT, FAIL, LOST];
  entries: Entry[] = [];
  journal: Line[] = [];
  files = new Map<string, string>();
  spool = new Map<string, string[]>();
  outputs = new Map<string, readonly [string, string]>();
  state: unknown = null;
  run: string[] = [];
  torn: string[] = [];

  constructor() {
    for (let i = 1; i <= 3; i += 1) {
      const due = AT + i * SECOND;
      const path = `/results/${i}.json`;
      const result = { id: `result${i}`, attempt: 1 };
      const content = resultText(result, 5);
      this.ran('result', `result${i}`, due, 'OK', {
        results: [{ path, label: '', ext: '.json', size: content.length }],
        resultCount: 1,
      });
      this.files.set(path, content);
      this.ran('count', `count${i}`, due, 'OK', {}, i - 1);
      this.state = { n: i, id: `count${i}`, pad: '000', end: i };
      this.ran('fail', `fail${i}`, due, 'Error');
      this.outputs.set(`fail${i}`, [`out fail${i}`, `err fail${i}`]);
      this.ran('lost', `lost${i}`, due, 'OK');
    }
  }

  ran(
    task: string,
    id: string,
    due: number,
    status: Status,
    changes: Partial<Entry> = {},
    count: number | null = null,
  ): void {
    const ending = ended(due, status);
    this.entries.push({ ...newEntry(id, task, due, due), phase: 'ended', queuedAt: due, ending, ...changes });
    this.journal.push({ what: 'S', task, id, attempt: 1, due, count });
    this.journal.push({ what: 'E', task, id, attempt: 1, due: null, count: null });
  }

  change(id: string, changes: Partial<Entry>): void {
    this.entries = this.entries.map((entry) => (entry.id === id ? { ...entry, ...changes } : entry));
  }

  remove(id: string): void {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.unsay(id);
  }

  unsay(id: string, what?: Line['what']): void {
    this.journal = this.journal.filter((line) => line.id !== id || (what !== undefined && line.what !== what));
  }

  faults(): string[] {
    const evidence: Evidence = {
      span: { from: AT, sure: AT + 1, until: AT + 3.5 * SECOND, to: AT + 3.8 * SECOND },
      open: this.entries.filter(({ phase }) => phase !== 'ended' && phase !== 'skipped'),
      closed: this.entries.filter(({ phase }) => phase === 'ended' || phase === 'skipped'),
      journal: this.journal,
      torn: this.torn,
      output: (id) => {
        const found = this.outputs.get(id);
        return found === undefined ? null : { stdout: excerpt(found[0]), stderr: excerpt(found[1]) };
      },
      states: new Map([['count', this.state === null ? null : { kind: 'structure' as const, value: this.state }]]),
      files: [...this.files.keys()],
      read: (path) => this.files.get(path) ?? '',
      spoolFolder: '/spool',
      spool: this.spool,
      run: this.run,
    };
    return check(evidence, this.rules).faults.map(({ sort, text }: Fault) => `${sort}: ${text}`);
  }
}

function ended(due: number, status: Status, changes: Partial<Ending> = {}): Ending {
  const endedBy = status === 'Lost' ? 'lost' : 'itself';
  const base = { attempt: 1, startedAt: due + 5, endedAt: due + 9, duration: 4, code: 0, signal: null, reason: null };
  return { ...base, memory: null, cpu: null, status, endedBy, ...changes };
}

function excerpt(text: string): Excerpt {
  return { head: Buffer.from(text), tail: Buffer.alloc(0), size: text.length };
}

/** All that is found is of these. */
function finds(what: string, spoil: (scene: Scene) => void, ...wanted: readonly RegExp[]): void {
  test(`the checker finds ${what}`, () => {
    const scene = new Scene();
    spoil(scene);
    const found = scene.faults();
    for (const one of wanted)
      assert.ok(
        found.some((fault) => one.test(fault)),
        `${one} in\n${found.join('\n')}`,
      );
    for (const fault of found)
      assert.ok(
        wanted.some((one) => one.test(fault)),
        `not expected: ${fault}`,
      );
    assert.ok(wanted.length > 0);
  });
}

test('the checker finds nothing where all went well, and counts', () => {
  assert.deepEqual(new Scene().faults(), []);
});

finds('a due time without an entry', (scene) => scene.remove('lost2'), /^lost: lost was due at 2026-01-01T12:00:02/);
finds(
  'spans that share a due time',
  (scene) => scene.change('lost3', { first: AT + 2 * SECOND, count: 2 }),
  /^doubled: lost has 2 entries/,
);
finds(
  'a run that started twice',
  (scene) => scene.journal.push(...scene.journal.filter(({ id }) => id === 'lost1')),
  /^doubled: lost lost1.*(started|ended) 2 times/,
);
finds(
  'a run id twice in the ledger',
  (scene) => scene.change('lost1', { id: 'lost2' }),
  /^doubled: .*run id lost2/,
  /^unexplained: lost lost1.*no end of it/,
);
finds(
  'a count of due times that is wrong',
  (scene) => scene.change('lost1', { count: 2 }),
  /^unexplained: .* says 2 due times/,
);
finds(
  'an entry of a time that never was due',
  (scene) => scene.change('lost1', { first: AT + 999, due: AT + 1001 }),
  /^unexplained: .* not of times/,
  /^lost: lost was due/,
  /was told/,
);
finds(
  'an entry of the future',
  (scene) => scene.entries.push(newEntry('later', 'lost', AT + 5 * SECOND, AT)),
  /^unexplained: .*later.* not of times/,
);
finds(
  'a run that nobody knows of',
  (scene) => scene.journal.push({ what: 'S', task: 'lost', id: 'ghost', attempt: 1, due: AT + SECOND, count: null }),
  /^unexplained: lost ghost.* no end of it/,
);
finds('an end that nobody ran', (scene) => scene.unsay('lost1'), /^lost: lost lost1.*never began/);
finds(
  'an end that the task did not come to',
  (scene) => scene.unsay('lost1', 'E'),
  /^lost: lost lost1.*never came to its end/,
  /^overlapping: .*by the journal/,
);
finds(
  'a run that ran and is said to have failed to start',
  (scene) => scene.change('lost1', { ending: ended(AT + SECOND, 'Failed') }),
  /^unexplained: .*says Failed/,
  /^unexplained: .*Failed by itself/,
);
finds(
  'a task that ended as it never does',
  (scene) => scene.change('lost1', { ending: ended(AT + SECOND, 'Error') }),
  /^unexplained: lost lost1.*Error by itself/,
);
finds(
  'a skip without a reason',
  (scene) => {
    scene.unsay('lost1');
    scene.change('lost1', { phase: 'skipped', ending: null });
  },
  /^unexplained: .*skipped without/,
);
finds(
  'a reason that is not true',
  (scene) => {
    scene.unsay('lost1');
    scene.change('lost1', {
      phase: 'skipped',
      ending: null,
      skipped: { reason: 'overlap', detail: '', at: AT + SECOND },
    });
  },
  /^unexplained: .*skipped: overlap/,
);
finds(
  'a run that is open as started',
  (scene) => {
    scene.unsay('lost1');
    scene.change('lost1', { phase: 'started', ending: null });
  },
  /^unexplained: .*open as started/,
);
finds(
  'a retry that was not made',
  (scene) => scene.change('lost1', { ending: ended(AT + SECOND, 'Lost') }),
  /^lost: .*no retry after attempt 1/,
);
finds(
  'an attempt that is missing',
  (scene) => {
    scene.unsay('lost1');
    scene.journal.push({ what: 'S', task: 'lost', id: 'lost1', attempt: 2, due: AT + SECOND, count: null });
    scene.change('lost1', { attempt: 2, ending: ended(AT + SECOND, 'Lost', { attempt: 2 }) });
  },
  /^unexplained: .*has the attempts 2/,
);
finds(
  'runs of one task at the same time, by the ledger',
  (scene) => scene.change('lost1', { ending: ended(AT + SECOND, 'OK', { endedAt: AT + 2 * SECOND + 7 }) }),
  /^overlapping: .*by the ledger/,
);
finds(
  'runs of one task at the same time, by the journal',
  (scene) => {
    const end = scene.journal.findIndex(({ what, id }) => what === 'E' && id === 'lost1');
    scene.journal.push(...scene.journal.splice(end, 1));
  },
  /^overlapping: .*by the journal/,
);
finds(
  'more runs than the smallest tenancy',
  (scene) => {
    scene.rules = scene.rules.map((one) => (one.name === 'lost' ? { ...one, tenancy: 1 } : one));
  },
  /^overlapping: \d run, at most 1 may/,
);
finds('half a result', (scene) => scene.files.set('/results/1.json', '{"id":'), /^torn: result result1.*not whole/);
finds(
  'a result that is not there',
  (scene) => scene.files.delete('/results/1.json'),
  /^lost: result result1.*is not at/,
);
finds(
  'a result of nobody',
  (scene) => scene.files.set('/results/.fate-result-x', ''),
  /^left over: .*fate-result-x is a result of no run/,
);
finds(
  'a result that two runs claim',
  (scene) => {
    scene.change('result1', { results: scene.entries.find(({ id }) => id === 'result2')?.results ?? [] });
    scene.files.delete('/results/1.json');
  },
  /^doubled: .*2.json is a result of/,
  /^torn: result result1.*not whole/,
);
finds(
  'a result of a run that was not good',
  (scene) => {
    scene.unsay('result1', 'E');
    scene.change('result1', { ending: ended(AT + SECOND, 'Lost') });
  },
  /^torn: result result1 has 1 results, not 0/,
);
finds(
  'a replaced result that is not the last',
  (scene) => {
    scene.rules = scene.rules.map((one) => (one.name === 'result' ? { ...one, places: 'one' as const } : one));
    const all = scene.entries.find(({ id }) => id === 'result1')?.results ?? [];
    for (const i of [1, 2, 3]) scene.change(`result${i}`, { results: all });
    scene.files = new Map([['/results/1.json', resultText({ id: 'result2', attempt: 1 }, 5)]]);
  },
  /^torn: result result3.*not whole/,
);
finds(
  'a result that was to be deleted',
  (scene) => {
    scene.rules = scene.rules.map((one) => (one.name === 'result' ? { ...one, places: 2 } : one));
  },
  /^left over: result result1.*was to be deleted/,
);
finds('half an output', (scene) => scene.outputs.set('fail1', ['out f', 'err fail1']), /^torn: fail fail1: its stdout/);
finds('an output that was not kept', (scene) => scene.outputs.delete('fail1'), /^lost: fail fail1: nothing of its/);
finds(
  'half a state',
  (scene) => {
    scene.state = { n: 3, id: 'count3', pad: '00', end: 3 };
  },
  /^torn: the state of count/,
);
finds(
  'a state that a run did not get',
  (scene) => {
    scene.journal = scene.journal.map((line) =>
      line.id === 'count3' && line.what === 'S' ? { ...line, count: 1 } : line,
    );
  },
  /^lost: count count3.*given the state 1, not 2/,
);
finds(
  'a state of a run that was not good',
  (scene) => {
    scene.unsay('count3', 'E');
    scene.change('count3', { ending: ended(AT + 3 * SECOND, 'Lost') });
  },
  /^torn: the state of count is .*its 2 good ends/,
);
finds('what is left in the spool', (scene) => scene.spool.set('lost1', ['starting']), /^left over: lost1 in the spool/);
finds(
  'kept output that is gone',
  (scene) => scene.change('lost1', { kept: '/spool/lost1/output' }),
  /^lost: .*was to be kept/,
);
finds('what is left in the run folder', (scene) => scene.run.push('run-1'), /^left over: run-1/);
finds('a line of the journal that is cut', (scene) => scene.torn.push('S lo'), /^torn: a line/);

test('a journal is read line by line, and what is cut is told', () => {
  const start = 'S a 1m82 2 2026-01-01T12:00:01.000Z 77 5\n';
  const { journal, torn } = parseJournal(`${start}E a 1m82 2\nS b\nE a 1`);
  assert.deepEqual(journal, [
    { what: 'S', task: 'a', id: '1m82', attempt: 2, due: AT + SECOND, count: 5 },
    { what: 'E', task: 'a', id: '1m82', attempt: 2, due: null, count: null },
  ]);
  assert.deepEqual(torn, ['E a 1', 'S b']);
});

test('the same seed gives the same blows, another one gives others', () => {
  const first = (seed: number) => {
    const all = blows(seeded(seed), 0.4);
    return Array.from({ length: 50 }, () => all.next(true).value);
  };
  assert.deepEqual(first(1), first(1));
  assert.notDeepEqual(first(1), first(2));
});

test('in one round every point is struck, and one that was not passed is tried again', () => {
  const struck = new Map<string, number>();
  const all = blows(seeded(3), 0.2, 1);
  for (let blow = all.next(true); !blow.done; ) {
    const point = blow.value.kind === 'point' ? blow.value.point : '';
    struck.set(point, (struck.get(point) ?? 0) + 1);
    blow = all.next(point !== 'log.write');
  }
  assert.deepEqual(
    FAULT_POINTS.filter((point) => !struck.has(point)),
    [],
  );
  assert.equal(struck.get('log.write'), 3);
});
