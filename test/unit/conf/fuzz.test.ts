/** Whatever a file holds, loading it gives tasks or problems, and nothing is thrown (but the FateError of a start). */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Document, Parsed } from '../../../src/conf/document.ts';
import { formatProblem, pathText } from '../../../src/conf/problems.ts';
import { type Resolution, resolveConfiguration } from '../../../src/conf/resolve.ts';
import { defaultsSchema, keyPaths, taskSchema } from '../../../src/conf/schema.ts';
import { parseTomlFile } from '../../../src/conf/toml-file.ts';
import { parseYamlFile } from '../../../src/conf/yaml-file.ts';
import { FateError } from '../../../src/errors.ts';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import { nextAttempt } from '../../../src/schedule/retry.ts';
import { HOST, makeFolder } from '../../fixtures/conf/folder.ts';
import { runs } from '../../helpers/runs.ts';

const zones = createZoneSource();

function resolve(defaults: Document | null, tasks: readonly Document[]): Resolution {
  return resolveConfiguration({
    defaults,
    tasks,
    conf: '/conf',
    data: '/data',
    host: HOST,
    deviceId: undefined,
    zones,
    isFile: () => false,
    kindOf: () => null,
  });
}

const YAML = `x-base: &base
  timeout: 1h30m
  format: {param: yaml, result: [json, csv], log: auto}
disk:
  <<: *base
  schedule: {expression: "H H(0-2) * * *", timezone: UTC, missed: all}
  exec: [df, "-P", "<%= env.HOME ?? '/' %>"]
  if: now.hour < 6 && env.X !== "1"
  path: {result: "<%= default_path.dir %>/x<%= ext %>", keep: {count: 3, age: 30d, size: 1G}}
  param: {a: [1, 2.5, null, "x"]}
mail: {schedule: "*/5 * * * *", shell: {script: "echo x", executable: bash}, success_exit: [1, 2], scheduling: {tenancy: 1}}
sync: {schedule: "@every 90s", retry: {limit: 5, delay: 1m, backoff: 1.5, max_delay: 1h, on: [error, lost]}, scheduling: {overlap: queue, mutex: net, max_wait: 2h}}
start: {schedule: "@reboot", retry: 2, scheduling: {overlap: replace}}
as: {schedule: "@daily", env: {A: "<%= env.HOME %>", B: null, C: 1}, env_file: [/a, -b], cwd: /, user: root, group: 0, umask: "077", nice: 3, credentials: {k: /k}, limits: {output: 1M, memory: 50%, cpu: 20%, processes: 9}}
`;
const DEFAULTS = `timeout: 5m
retry: {limit: 2, delay: 10s, backoff: 3, max_delay: 5m, on: [retry, error, timeout, signal, failed]}
scheduling: {tenancy: 4, overlap: allow, mutex: all, max_wait: 1d, patience: 0, cgroup: false}
env: {A: x, D: y}
limits: {log: 1M}
control: {steer_group: adm}
history: {max_runs: 10, max_failures: 0, max_age: 30d}
schedule: {timezone: UTC, missed: skip}
path: {keep: {count: 3}, log: [/dev/stderr, {file: x.log, rotation: 1M}]}
`;
const TOML = `[disk]
schedule = "*/5 * * * *"
exec = ["df", "<%= env.HOME %>"]
timeout = 30
param = {at = 2026-01-02T03:04:05Z, big = 9223372036854775807, f = 1e3}
[disk.format]
result = ["json", "csv"]
[[x-list]]
a.b = """
text"""
[mail]
schedule = {expression = "@daily", hash = "x"}
if = "attempt > 1"
path.keep.count = 3
retry = {limit = 5, delay = "1m", backoff = 1.5, max_delay = "1h", on = ["error", "lost"]}
scheduling = {overlap = "queue", mutex = "net", max_wait = "2h"}
[start]
schedule = "@reboot"
retry = 2
`;

const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom(
    '<%=',
    '%>',
    '{{ env.X }}',
    '&a ',
    '*a',
    '<<: ',
    '[',
    ']',
    '{',
    '}',
    ': ',
    '\n',
    '\t',
    '"',
    "'",
    '"""',
    '---\n',
    '!!set ',
    '|\n',
    '# ',
    '=',
    '.nan',
    '1e999',
    '__proto__',
    'null',
    '\\u0000',
  ),
);

/** A text with some places cut out, overwritten or put in twice. */
function mutated(text: string): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(text.length), fc.nat(12), piece, fc.boolean());
  return fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) =>
    edits.reduce((now, [at, length, insert, twice]) => {
      const from = at % (now.length + 1);
      const kept = twice ? now.slice(from, from + length) : '';
      return now.slice(0, from) + kept + insert + now.slice(twice ? from : from + length);
    }, text),
  );
}

async function judge(parsed: Parsed, text: string): Promise<void> {
  const lines = text.split('\n').length;
  if (!parsed.ok) {
    assert.ok(parsed.faults.length > 0);
    for (const { message, position } of parsed.faults) {
      assert.ok(message.length > 0 && !message.includes('\n'), message);
      assert.ok(position === null || (position.line >= 1 && position.line <= lines && position.column >= 1));
    }
    return;
  }
  for (const [defaults, tasks] of [
    [null, [parsed.document]],
    [parsed.document, []],
  ] as const) {
    const { tasks: good, invalid, findings } = resolve(defaults, tasks);
    assert.equal(new Set([...good, ...invalid].map(({ name }) => name)).size, good.length + invalid.length);
    const locate = await parsed.document.locator();
    for (const { path, at, message, task, severity } of findings) {
      const position = locate(path, at);
      assert.ok(position === null || (position.line >= 1 && position.line <= lines), pathText(path));
      assert.ok(!/[\n\u001b]|undefined in|\[object /.test(message), message);
      if (severity === 'error') assert.match(message, /^.*expected .+, found /s);
      assert.ok(task === undefined || path[0] === task);
    }
  }
}

test('YAML with anything broken in it gives tasks or problems', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(YAML), (text) => judge(parseYamlFile('f', text), text)),
    runs(1000),
  );
});

test('defaults with anything broken in them give defaults or problems', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(DEFAULTS), (text) => judge(parseYamlFile('f', text), text)),
    runs(500),
  );
});

test('TOML with anything broken in it gives tasks or problems', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(TOML), async (text) => judge(await parseTomlFile('f', text), text)),
    runs(600),
  );
});

const value = fc.oneof(
  { withCrossShrink: true },
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '',
    ' ',
    '5',
    'no',
    '@daily',
    '@every 90s',
    '@every',
    '@reboot',
    '* * * * *',
    '<%= 1 %>',
    '<%',
    '1h',
    '1G',
    'json',
    'auto',
    'UTC',
    -1,
    0,
    1,
    1.5,
    Number.NaN,
    10n ** 20n,
    new Date(0),
    new Date(Number.NaN),
    true,
    null,
    undefined,
    'queue',
    'replace',
    ['json'],
    ['error', 'lost', 'error'],
    [1],
  ),
);

/** Mappings of known keys, as files give them: without a prototype. */
function mapping(paths: readonly string[]): fc.Arbitrary<unknown> {
  const names = [...new Set(paths.map((path) => path.split('.')[0] ?? ''))];
  const entry = fc.constantFrom(...names, 'x-own', 'unknown', '__proto__').chain((name) => {
    const below = paths.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
    return fc.tuple(fc.constant(name), below.length === 0 ? value : fc.oneof(value, mapping(below)));
  });
  return fc
    .array(entry, { maxLength: 6 })
    .map((entries) => Object.assign(Object.create(null), Object.fromEntries(entries)));
}

const document = (file: string, content: unknown): Document => ({
  file,
  style: 'yaml',
  value: content,
  keys: typeof content === 'object' && content !== null ? Object.keys(content) : [],
  warnings: [],
  length: 100,
  locator: async () => () => null,
});

test('any value for any key is accepted or told, and what is accepted is whole', () => {
  const task = mapping(keyPaths(taskSchema));
  const defaults = mapping(keyPaths(defaultsSchema));
  fc.assert(
    fc.property(task, defaults, (one, two) => {
      const { tasks, invalid, findings, badDefaults, patience, history } = resolve(document('d', two), [
        document('t', { a: one }),
      ]);
      assert.equal(tasks.length + invalid.length, 1);
      assert.equal(
        badDefaults,
        findings.some(({ file, severity }) => file === 'd' && severity === 'error'),
      );
      assert.ok(patience >= 0 && history.maxRuns >= 0 && history.maxFailures >= 0 && (history.maxAge ?? 1) > 0);
      if (tasks[0] !== undefined) {
        assert.ok(Object.values(tasks[0]).every((part) => part !== undefined));
        assert.ok(tasks[0].successExit.includes(0) && tasks[0].tenancy >= 1 && tasks[0].grace >= 0);
        assert.ok(tasks[0].mutex !== '' && (tasks[0].maxWait ?? 1) > 0);
        const { retry, context, limits } = tasks[0];
        assert.ok(Object.values(limits).every((limit) => limit === null || limit > 0));
        assert.ok(context.env.every(({ name }) => name !== '' && !/[=\0]/.test(name)));
        assert.ok((context.umask ?? 0) <= 0o777 && Math.abs(context.nice ?? 0) <= 20);
        if (retry !== null) {
          const { limit, delay, backoff, maxDelay, on } = retry;
          assert.ok([limit, delay, maxDelay].every(Number.isSafeInteger) && Number.isFinite(backoff));
          assert.ok(limit >= 1 && delay >= 0 && backoff >= 1 && maxDelay > 0 && on.length > 0);
          const at = nextAttempt(retry, { id: 'r', attempt: limit, at: 0, cause: on[0] ?? null });
          assert.ok(at !== null && at >= 0);
        }
      }
    }),
    runs(3000),
  );
});

test('any bytes as a file give a configuration or a FateError', async (t) => {
  const folder = makeFolder(t);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, toml) => {
      folder.write({ [toml ? 'a.toml' : 'a.yaml']: Buffer.from(bytes) });
      const names = { task: 'a', defaults: 'none' };
      try {
        await folder.load({ names });
      } catch (thrown) {
        assert.ok(thrown instanceof FateError, String(thrown));
        for (const problem of thrown.problems) assert.ok(formatProblem(problem).startsWith(folder.path));
      } finally {
        rmSync(join(folder.path, toml ? 'a.toml' : 'a.yaml'));
      }
    }),
    runs(300),
  );
});
