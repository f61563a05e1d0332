/** Conditions (SPEC 4): a truth value or one bare JavaScript expression. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileCondition, compileTemplate } from '../../../src/conf/template.ts';
import type { Scope } from '../../../src/types.ts';
import { HOST } from '../../fixtures/conf/folder.ts';

const SCOPE: Scope = {
  env: { A: '1', NONE: '' },
  taskName: 'disk',
  zone: 'UTC',
  now: Date.UTC(2026, 6, 2, 3, 4),
  due: Date.UTC(2026, 6, 2, 3),
  attempt: 1,
  runId: 'r',
  host: HOST,
};

const holds = (source: string | boolean, kind: 'if' | 'unless' = 'if'): boolean =>
  compileCondition(kind, source).holds(SCOPE);
const failure = (work: () => unknown): string => {
  try {
    return `no failure but ${String(work())}`;
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return thrown.message;
  }
};

test('truth values, and unless as the opposite of if', () => {
  assert.deepEqual(
    [holds(true), holds(false), holds(true, 'unless'), holds(false, 'unless')],
    [true, false, false, true],
  );
  assert.deepEqual([holds('true'), holds('false', 'unless')], [true, true]);
});

test('expressions, whose value counts as JavaScript counts it', () => {
  const cases: [string, boolean][] = [
    ["env.A === '1'", true],
    ["env['A'] == 1", true],
    ['env.B', false],
    ['env.NONE', false],
    ["env.B ?? 'x'", true],
    ['now.hour >= 3 && now.weekday <= 5', true],
    ['now.diff(due).as("minutes") === 4', true],
    ['task_name.startsWith("d") && attempt === 1 && host.cpus > 1', true],
    ['[1, 2].includes(now.day)', true],
    ['/^a=b$/.test("a=b")', true],
    ['env.A // a comment', true],
    ['env.A | 2', true],
    [`'and' === "or"`, false],
    ['  env.A  ', true],
    ['(() => { const x = env.A; return x === "1" })()', true],
  ];
  for (const [source, expected] of cases) {
    assert.equal(holds(source), expected, source);
    assert.equal(holds(source, 'unless'), !expected, source);
  }
});

test('yes, no, on and off are told to be true and false', () => {
  for (const [word, value] of [
    ['yes', true],
    ['No', false],
    [' ON ', true],
    ['off', false],
  ] as const) {
    assert.equal(
      failure(() => compileCondition('if', word)),
      `expected true or false, found the text ${JSON.stringify(word)}; write ${value}`,
    );
  }
});

test('statements, several expressions and unfinished ones are syntax errors', () => {
  const cases: [string, string][] = [
    ['env.A ===', 'found an unexpected end'],
    ['a;\nb', "found unexpected token ';' at line 1, character 2"],
    ['env.A &&\n  )', "found unexpected token ')' at line 2, character 3"],
    ['1); f(', "found unexpected token ')' at character 2"],
    ['if (env.A) { 1 }', "found unexpected token 'if' at character 1"],
  ];
  for (const [source, found] of cases) {
    assert.equal(
      failure(() => compileCondition('if', source)),
      `expected a JavaScript expression, ${found} in ${JSON.stringify(source)}`,
    );
  }
});

test('what fails when it is evaluated says why, in one sentence', () => {
  assert.equal(
    failure(() => holds('nope')),
    'the condition "nope" failed: nope is not defined; there are env, task_name, now, due, attempt, run_id, host',
  );
  assert.equal(
    failure(() => holds('env.B.length')),
    `the condition "env.B.length" failed: Cannot read properties of undefined (reading 'length')`,
  );
  assert.equal(
    failure(() => holds('(async () => false)()')),
    'the condition "(async () => false)()" failed: it gave a promise, which no one waits for',
  );
  assert.equal(
    failure(() => holds('(() => { for (;;) {} })()')),
    'the condition "(() => { for (;;) {} })()" took longer than 1 s',
  );
});

describe('what the Python Fate wrote is shown as it is written now', () => {
  const conditions: [string, string][] = [
    ["env.X | default('1')", "env.X ?? '1'"],
    ["env.X|d('1') == '2'", "(env.X ?? '1') == '2'"],
    ['{{ env.X }}', 'env.X'],
    ['{{ now.hour }} > 5', 'now.hour > 5'],
    ['env.X and not env.Y or env.Z', 'env.X && !env.Y || env.Z'],
    ['env.X is defined', 'env.X !== undefined'],
    ['env.X is not defined', 'env.X === undefined'],
    ['True', 'true'],
    ['env.X == None', 'env.X == null'],
    ['(env.N | int) > 3', '(Number(env.N)) > 3'],
    ['env.X | lower == "a"', 'env.X.toLowerCase() == "a"'],
    ['now.weekday() < 5', '(now.weekday - 1) < 5'],
    ["now.strftime('%H%M') < '0600'", `now.toFormat("HHmm") < '0600'`],
  ];
  for (const [source, now] of conditions) {
    test(source, () => {
      assert.equal(
        failure(() => compileCondition('if', source)),
        `expected the JavaScript expression ${now}, found the Jinja expression ${JSON.stringify(source)}`,
      );
      // What is shown can be used.
      compileCondition('if', now);
    });
  }

  const templates: [string, string][] = [
    ['{{ env.HOME }}', 'env.HOME'],
    ["a/{{env['HOME']}}/b", "env['HOME']"],
    ['{{- task_name -}}', 'task_name'],
    ['{{ now }}', 'now'],
    ["{{ now.strftime('%Y%m%dT%H%M%S') }}", `now.toFormat("yyyyMMdd'T'HHmmss")`],
    ['{{ task_ended_at.timestamp() | int }}', 'Math.floor(task_ended_at.toSeconds())'],
    ['{{ default.parent }}/x', 'default_path.dir'],
    ["{{ env.X | default('a') }}", "env.X ?? 'a'"],
    ['{{ label_ext }}{{ ext }}', 'label_ext'],
  ];
  for (const [source, now] of templates) {
    test(source, () => {
      const found = /\{\{.*?\}\}/.exec(source)?.[0];
      assert.equal(
        failure(() => compileTemplate(source)),
        `expected a template <%= ${now} %>, found the Jinja template ${JSON.stringify(found)}`,
      );
      compileTemplate(`<%= ${now} %>`);
    });
  }

  test('where no new form is known one is named that is', () => {
    assert.match(
      failure(() => compileTemplate('{{ env.X | myfilter }}')),
      /^expected a template such as <%= env\.HOME %>, found the Jinja template/,
    );
    assert.match(
      failure(() => compileTemplate('{% for x in y %}a{% endfor %}')),
      /found the Jinja statement "\{% for x in y %\}"$/,
    );
  });

  test('inside of a tag, braces are JavaScript', () => {
    assert.equal(compileTemplate("<%= '{{ now }}' %>").render(SCOPE), '{{ now }}');
  });
});
