/** The description that completions are made from, against what the parser says of itself in its help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf } from '../../../../src/cli/completion/kinds.ts';
import { type CommandNode, everyCommand, programTrees } from '../../../../src/cli/completion/tree.ts';
import type { Program } from '../../../../src/cli/context.ts';
import { makeParser } from '../../../../src/cli/parser.ts';

const trees = programTrees();
const commands = trees.flatMap(everyCommand);
const nodeOf = (line: string): CommandNode => {
  const found = commands.find(({ path }) => path.join(' ') === line);
  assert.ok(found, line);
  return found;
};

/** What `--help` prints, by the parser of command lines itself. */
function helpOf([program, ...command]: readonly string[]): Promise<string> {
  const parser = makeParser(program as Program, () => {}).wrap(null);
  return new Promise((resolve) => {
    parser.parse([...command, '--help'], (_error: unknown, _argv: unknown, output: string) => resolve(output));
  });
}

test('every command has the commands below it that its help lists, with what the help says of them', async () => {
  assert.ok(commands.length > 20, `${commands.length}`);
  for (const { path, commands: below } of commands) {
    const help = await helpOf(path);
    const start = `  ${path.join(' ')} `;
    const listed = help
      .split('\n')
      .filter((line) => line.startsWith(start) && help.indexOf('Commands:') >= 0)
      .filter((line) => help.indexOf(line) < help.indexOf('Options:'))
      .map((line) => line.slice(start.length).split(/\s{2,}/));
    const told = listed.map(([usage = '', describe = '']) => [usage.split(' ')[0], describe]);
    assert.deepEqual(
      below.map(({ path, describe }) => [path.at(-1), describe]),
      told,
      path.join(' '),
    );
  }
});

test('every command has the options that its help lists, no others, with the same choices', async () => {
  for (const { path, options } of commands) {
    const help = await helpOf(path);
    const section = help.slice(help.indexOf('Options:')).split('\nExamples:')[0] ?? '';
    const listed = section.split('\n').flatMap((line) => {
      const names = /^ {2,6}(-[-\w]+(?:, -[-\w]+)*) /.exec(line)?.[1]?.split(', ');
      if (names === undefined) return [];
      const choices = [...(/\[choices: ([^\]]*)\]/.exec(line)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(
        ([, word]) => word,
      );
      return [{ names: names.sort(), flag: line.includes('[boolean]'), choices }];
    });
    const own = options.map(({ names, value }) => ({
      names: [...names].sort(),
      flag: value === null,
      choices: value?.kind.kind === 'words' ? value.kind.words : [],
    }));
    const inOrder = (a: { names: string[] }, b: { names: string[] }): number =>
      a.names.join() < b.names.join() ? -1 : 1;
    assert.ok(listed.length >= 5, help);
    assert.deepEqual(own.sort(inOrder), listed.sort(inOrder), path.join(' '));
  }
});

test('it is known what every positional and every value of an option is', () => {
  const unknown = commands.flatMap(({ path, options, positionals }) => [
    ...positionals
      .filter(({ name, kind }) => kind.kind !== 'words' && kindOf(name) === null)
      .map(({ name }) => [...path, name]),
    ...options.flatMap(({ names, value }) =>
      value !== null && value.kind.kind !== 'words' && kindOf(value.name) === null ? [[...path, names[0]]] : [],
    ),
  ]);
  assert.deepEqual(unknown, []);
});

test('words take their kind from their name, and from the choices of the parser first', () => {
  const places = (line: string): unknown => nodeOf(line).positionals.map(({ kind, repeats }) => [kind.kind, repeats]);
  assert.deepEqual(places('fate run'), [['task', false]]);
  assert.deepEqual(places('fate kill'), [['task', false]]);
  assert.deepEqual(places('fate next'), [['task', true]]);
  assert.deepEqual(places('fate why'), [
    ['task', false],
    ['free', false],
  ]);
  assert.deepEqual(places('fate check'), [['file', false]]);
  assert.deepEqual(places('fate init conf'), [['folder', false]]);
  assert.deepEqual(places('fate init comp'), [['file', false]]);
  assert.deepEqual(kindOf('status', ['a']), { kind: 'words', words: ['a'] });
  assert.equal(kindOf('no-such-name'), null);
  assert.deepEqual(
    commands.filter(({ runsCommand }) => runsCommand).map(({ path }) => path.join(' ')),
    ['fate debug execute'],
  );
});

test('what excludes each other is known from both', () => {
  const against = (name: string): unknown =>
    nodeOf('fate run').options.find(({ names }) => names.includes(name))?.conflicts;
  assert.deepEqual(against('--system'), ['--user']);
  assert.deepEqual(against('--user'), ['--system']);
});
