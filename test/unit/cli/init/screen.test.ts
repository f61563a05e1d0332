import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownDiff } from '../../../../src/cli/init/diff.ts';
import { eraseLine, lineOf, lookOf, questionOf } from '../../../../src/cli/init/screen.ts';
import type { Action, Done } from '../../../../src/cli/init/wanted.ts';

const words = { symbols: false, colour: false };
const symbols = { symbols: true, colour: false };
const of = (action: Action, note: string | null = null): Done => ({
  part: 'conf',
  path: '/etc/x',
  action,
  note,
  status: 0,
});

test('symbols are for terminals with UTF-8, colour for those that want it', () => {
  const tty = { isTTY: true };
  const utf8 = { LANG: 'en_GB.UTF-8' };
  assert.deepEqual(lookOf(tty, utf8), { symbols: true, colour: true });
  assert.deepEqual(lookOf(tty, { LANG: 'C.utf8' }), { symbols: true, colour: true });
  assert.deepEqual(lookOf(tty, { ...utf8, NO_COLOR: '1' }), { symbols: true, colour: false });
  assert.deepEqual(lookOf(tty, { ...utf8, NO_COLOR: '' }), { symbols: true, colour: true });
  assert.deepEqual(lookOf(tty, { ...utf8, LC_ALL: 'C' }), { symbols: false, colour: true });
  assert.deepEqual(lookOf(tty, { LC_CTYPE: 'de_DE.UTF-8', LANG: 'C' }), { symbols: true, colour: true });
  assert.deepEqual(lookOf(tty, {}), { symbols: false, colour: true });
  assert.deepEqual(lookOf(tty, { ...utf8, TERM: 'dumb' }), words);
  assert.deepEqual(lookOf({}, utf8), words);
});

test('each outcome has its symbol, and its words elsewhere', () => {
  for (const [done, beside, alone] of [
    [of('made'), '☑ /etc/x  made', 'made /etc/x'],
    [of('same'), '☑ /etc/x', 'same /etc/x'],
    [of('there', 'as tasks.yaml'), '☑ /etc/x  there already, as tasks.yaml', 'there already /etc/x (as tasks.yaml)'],
    [
      of('replaced', 'the old one is x~'),
      '☑ /etc/x  replaced, the old one is x~',
      'replaced /etc/x (the old one is x~)',
    ],
    [of('differs', 'a link to y'), '☒ /etc/x  differs, left, a link to y', 'differs, left /etc/x (a link to y)'],
    [of('not made'), '☐ /etc/x  not made', 'not made /etc/x'],
    [of('would make'), '☐ /etc/x  would make', 'would make /etc/x'],
    [of('would ask'), '☒ /etc/x  differs, would ask', 'would ask /etc/x'],
    [of('failed'), '☒ /etc/x  failed', 'failed /etc/x'],
  ] as const) {
    assert.equal(lineOf(done, symbols), beside);
    assert.equal(lineOf(done, words), alone);
  }
});

test('colour is around the symbol alone, and no path steers the terminal', () => {
  assert.equal(lineOf(of('made'), { symbols: true, colour: true }), '\u001b[1;32m☑\u001b[22;39m /etc/x  made');
  const evil = { ...of('made'), path: '/x\u001b[2J\n' };
  assert.equal(lineOf(evil, words).includes('\u001b'), false);
  assert.equal(questionOf(evil.path, null, 'make', words).includes('\u001b'), false);
});

test('a question names its keys, the capital for Enter', () => {
  assert.equal(questionOf('/x', null, 'make', symbols), '☐ /x  make it? [Y/n/q/?] ');
  assert.equal(questionOf('/x', null, 'replace', symbols), '☒ /x  differs: replace it? [y/N/d/q/?] ');
  assert.equal(questionOf('/x', 'a link to y', 'replace', words), '/x  a link to y: replace it? [y/N/d/q/?] ');
});

test('a question is taken away with all the rows that it took', () => {
  assert.equal(eraseLine('x'.repeat(79), 80), '\r\u001b[J');
  assert.equal(eraseLine('x'.repeat(80), 80), '\r\u001b[J');
  assert.equal(eraseLine('x'.repeat(81), 80), '\r\u001b[1A\u001b[J');
  assert.equal(eraseLine(`\u001b[1m${'x'.repeat(161)}\u001b[22m`, 80), '\r\u001b[2A\u001b[J');
  assert.equal(eraseLine('', 0), '\r\u001b[J');
});

test('without diff(1) the lines between the common beginning and end are shown', () => {
  assert.deepEqual(ownDiff(['a', 'b', 'c'], ['a', 'x', 'y', 'c']), ['@@ -2,1 +2,2 @@', '-b', '+x', '+y']);
  assert.deepEqual(ownDiff(['a', 'a'], ['a']), ['@@ -2,1 +2,0 @@', '-a']);
  assert.deepEqual(ownDiff([], ['a']), ['@@ -1,0 +1,1 @@', '+a']);
});
