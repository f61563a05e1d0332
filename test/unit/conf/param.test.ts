/** What a task gets on fd 0 (SPEC 3.1, `param`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSerializer } from '../../../src/conf/param.ts';
import { taskOf } from '../../fixtures/conf/folder.ts';

const param = async (t: { after(work: () => void): void }, keys: string): Promise<string> =>
  (await taskOf(t, `a:\n  schedule: "@daily"\n${keys.replace(/^/gm, '  ')}\n`)).param;

test('a text is passed verbatim, null is nothing, none is an empty mapping', async (t) => {
  assert.equal(await param(t, 'param: "a: 1"'), 'a: 1');
  assert.equal(await param(t, 'param: "a"\nformat: {param: yaml}'), 'a');
  assert.equal(await param(t, 'param: ""'), '');
  assert.equal(await param(t, 'param:'), '');
  assert.equal(await param(t, 'enabled: true'), '{}');
  assert.equal(await param(t, 'param: |\n  a\n  b'), 'a\nb\n');
});

test('anything else is written in the format of format.param', async (t) => {
  assert.equal(await param(t, 'param: {a: [1, two, null, true]}'), '{"a":[1,"two",null,true]}');
  assert.equal(await param(t, 'param: 5'), '5');
  assert.equal(await param(t, 'param: false'), 'false');
  assert.equal(await param(t, 'param: [a]\nformat: {param: yaml}'), '- a\n');
  assert.equal(await param(t, 'param: {a: {b: 1}}\nformat: {param: toml}'), '[a]\nb = 1\n');
});

test('times are RFC 3339 text in every format', async (t) => {
  const toml =
    '[a]\nschedule = "@daily"\nparam = {at = [2026-01-02T03:04:05Z, 2026-01-02T03:04:05.5+01:00, 2026-01-02]}\n';
  assert.equal(
    (await taskOf(t, { 'tasks.toml': toml })).param,
    '{"at":["2026-01-02T03:04:05Z","2026-01-02T02:04:05.500Z","2026-01-02"]}',
  );
});

test('keys that objects have by themselves are keys', async (t) => {
  const expected = '{"__proto__":{"x":1},"constructor":2,"toJSON":"3"}';
  assert.equal(await param(t, 'param: {__proto__: {x: 1}, constructor: 2, toJSON: "3"}'), expected);
  const toml = '[a]\nschedule = "@daily"\n[a.param]\n__proto__ = {x = 1}\nconstructor = 2\ntoJSON = "3"\n';
  assert.equal((await taskOf(t, { 'tasks.toml': toml })).param, expected);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test('what stands in the file itself is never too much', () => {
  const text = 'x'.repeat(30_000_000);
  const outcome = createSerializer(text.length + 10).serialize([text], 'json');
  assert.ok('text' in outcome && outcome.text.length === text.length + 4);
});
