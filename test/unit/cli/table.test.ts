import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitDebugged } from '../../../src/cli/commands/debug.ts';
import { table } from '../../../src/cli/table.ts';

test('columns are as wide as what is in them, also where characters are wide', () => {
  const rows = [
    ['TASK', 'DUE'],
    ['数据', 'soon'],
    ['a', 'later'],
  ];
  assert.equal(table(rows, null), 'TASK  DUE\n数据  soon\na     later');
});

test('a line is cut where the terminal ends, never in the middle of a wide character', () => {
  assert.equal(table([['abcdef']], 4), 'abc…');
  assert.equal(table([['a数据']], 4), 'a数…');
  assert.equal(table([], 80), '');
});

test("the options of a command that is debugged are the command's own", () => {
  const split = (line: string): string => splitDebugged(line.split(' ')).join(' ');
  assert.equal(split('debug execute ls -l --help'), 'debug execute -- ls -l --help');
  assert.equal(split('debug execute -i {} --no-report ls -o x'), 'debug execute -i {} --no-report -- ls -o x');
  assert.equal(split('debug execute --stdin={} ls -e'), 'debug execute --stdin={} -- ls -e');
  assert.equal(split('debug execute -- ls -l'), 'debug execute -- ls -l');
  assert.equal(split('debug execute --help'), 'debug execute --help');
  assert.equal(split('debug execute -i - cat'), 'debug execute -i - -- cat');
  assert.equal(split('debug run task -o x'), 'debug run task -o x');
});
