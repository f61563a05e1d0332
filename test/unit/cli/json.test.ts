/** What `--json` prints is JSON, and steers no terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeJson, ownJson } from '../../../src/cli/json.ts';
import { runs } from '../../helpers/runs.ts';

test('whatever a value holds, its JSON is the same value, and no control or bidi character stands in it', () => {
  const steering = fc.constantFrom(
    '\u0080',
    '\u009b',
    '\u007f',
    '\u061c',
    '\u200f',
    '\u202e',
    '\u2069',
    '\\',
    '"',
    '\u001b',
  );
  const text = fc.array(fc.oneof(steering, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.dictionary(text, fc.array(text)), (value) => {
      const json = JSON.stringify(value, null, 2);
      const shown = escapeJson(json);
      assert.deepEqual(JSON.parse(shown), JSON.parse(json));
      assert.doesNotMatch(shown, /[^\P{Cc}\n]|\p{Bidi_Control}/u);
      assert.deepEqual(JSON.parse(ownJson(json) ?? ''), JSON.parse(json));
      assert.doesNotMatch(ownJson(json) ?? '', /\p{Cc}|\p{Bidi_Control}/u);
    }),
    runs(200),
  );
  assert.equal(ownJson('{"a":"\u001b"}'), null);
});
