/** docs/tasks.md and docs/templates.md say what the code does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultsSchema, keyPaths, taskSchema } from '../../../src/conf/schema.ts';
import { namesFor } from '../../../src/conf/scope.ts';
import { compileCondition, compileTemplate } from '../../../src/conf/template.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';
import { repo } from '../../helpers/repo.ts';

const read = (page: string): string => readFileSync(join(repo, 'docs', page), 'utf8');

/** The section below a heading, without the next one. */
function section(page: string, heading: string): string {
  const [, text] = read(page).split(`\n## ${heading}\n`);
  assert.ok(text, `${page} has no section ${heading}`);
  return text.split('\n## ')[0] ?? '';
}

/** The cells of the rows of a table, by column, without its head. */
const rows = (text: string): string[][] =>
  [...text.matchAll(/^\| (.*) \|$/gm)].slice(1).map(([, row = '']) => row.split(/ \| /));

const firstWord = (cell: string | undefined): string => /^`([^`]*)`/.exec(cell ?? '')?.[1] ?? '';

test('the two tables of keys name exactly the keys of the schemas, in their order', () => {
  const documented = (heading: string): string[] => rows(section('tasks.md', heading)).map(([cell]) => firstWord(cell));
  assert.deepEqual(documented('Keys of a task'), keyPaths(taskSchema));
  assert.deepEqual(documented('Keys of the defaults file'), keyPaths(defaultsSchema));
});

test('the keys marked = are exactly those that both files know', () => {
  const marked = rows(section('tasks.md', 'Keys of a task')).filter(([cell = '']) => cell.endsWith('`=`'));
  const both = new Set(keyPaths(defaultsSchema));
  // `schedule` itself means something else there.
  const expected = keyPaths(taskSchema).filter((key) => both.has(key) && key !== 'schedule');
  assert.deepEqual(
    marked.map(([cell]) => firstWord(cell)),
    expected,
  );
});

test('the examples of both pages are good, and the two formats say the same', async (t) => {
  const blocks = [...`${read('tasks.md')}${read('templates.md')}`.matchAll(/^```(toml|yaml)\n([\s\S]*?)^```/gm)];
  assert.ok(blocks.length >= 4);
  const shapes: unknown[] = [];
  for (const [, format, text = ''] of blocks) {
    const name = text.includes('# defaults.') ? 'defaults' : 'tasks';
    const folder = makeFolder(t, { 'tasks.d/x.yaml': '', [`${name}.${format}`]: text });
    const { tasks, problems } = await folder.load();
    assert.deepEqual(folder.texts(problems), []);
    if (/as tasks\.yaml|# tasks\.toml/.test(text)) {
      shapes.push(tasks.map(({ file, schedule, ...task }) => [JSON.stringify(task), schedule.normalized]));
    }
  }
  assert.equal(shapes.length, 2);
  assert.deepEqual(shapes[0], shapes[1]);
});

test('the names in scope are those of the page', () => {
  const documented = (heading: string): string[] =>
    rows(section('templates.md', heading)).map(([cell]) => firstWord(cell));
  const run = documented('What they see');
  assert.deepEqual(run, namesFor('run'));
  assert.deepEqual([...run, ...documented('path.result')], namesFor('result'));
});

test('what the page says of the Python Fate is what the messages say', () => {
  const table = rows(section('templates.md', 'From the Python Fate').replaceAll('\\|', '\u0000'));
  assert.ok(table.length >= 5);
  for (const [was = '', is = ''] of table.map((row) =>
    row.map((cell) => cell.replaceAll('\u0000', '|').slice(1, -1)),
  )) {
    const message = (): unknown =>
      was.startsWith('if: ') ? compileCondition('if', was.slice(4)) : compileTemplate(was);
    assert.throws(message, ({ message: text }: Error) => text.includes(is.replace('if: ', '')), was);
  }
});
