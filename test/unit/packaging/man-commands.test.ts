/** The commands and options of the pages are those of the programs, both ways, and every example is a command line that they take. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandWords } from '../../../src/cli/command-words.ts';
import { type CommandNode, everyCommand, type OptionNode, programTrees } from '../../../src/cli/completion/tree.ts';
import type { Program } from '../../../src/cli/context.ts';
import { makeParser } from '../../../src/cli/parser.ts';
import {
  blocks,
  flags,
  type Item,
  items,
  PAGES,
  PROGRAM_PAGES,
  prose,
  section,
  source,
  subsections,
  words,
  wordsOf,
} from './man-page.ts';

const trees = new Map(programTrees().map((tree) => [tree.path[0] as Program, tree]));
const treeOf = (program: Program): CommandNode => trees.get(program) ?? assert.fail(program);
const COMMON = ['--system', '--user', '--tb', '--help', '--version'];

const isCommon = ({ names }: OptionNode): boolean => names.some((name) => COMMON.includes(name));
const named = (node: CommandNode): string => node.path.join(' ');
/** What `--help` prints, every option on a line of its own. */
async function helpOf(path: readonly string[]): Promise<string> {
  const [program, ...rest] = path;
  let help = '';
  const parser = makeParser(program as Program, () => assert.fail('it ran')).wrap(null);
  await parser.parseAsync([...rest, '--help'], {}, (_error: unknown, _args: unknown, output: string) => {
    help = output;
  });
  return help;
}

/** Commands that do something: `fate debug` only has others below it, and no option of its own. */
const leaves: readonly CommandNode[] = await Promise.all(
  everyCommand(treeOf('fate'))
    .filter((node) => node.commands.length === 0 || (node.path.length > 1 && !node.options.every(isCommon)))
    .map(async (node) => {
      // An option of `fate init` alone is no option of `fate init conf`.
      const help = await helpOf(node.path);
      return { ...node, options: node.options.filter(({ names }) => names.every((name) => help.includes(` ${name}`))) };
    }),
);

test('every --help has an example', async () => {
  for (const node of [treeOf('fated'), treeOf('fates'), treeOf('fate'), ...leaves]) {
    const [, examples = ''] = (await helpOf(node.path)).split('Examples:\n');
    assert.match(examples, /^ {2}(sudo )?fate[ds]? /, `${named(node)} has none`);
  }
});

test('the page of fate has the commands of fate, in the order of its --help', () => {
  const page = source('fate.1');
  const overview = items(section(page, 'DESCRIPTION'))
    .filter(({ head }) => head.startsWith('Cm '))
    .map(({ head }) => `fate ${head.slice('Cm '.length)}`);
  assert.deepEqual(overview, leaves.map(named));
  assert.deepEqual(subsections(section(page, 'COMMANDS')), leaves.map(named));
});

interface Place {
  readonly node: CommandNode;
  readonly synopsis: readonly string[];
  readonly listed: readonly Item[];
  readonly lines: readonly string[];
}

/** Where each program and command stands. */
const places: readonly Place[] = [
  ...(['fated', 'fates'] as const).map((program) => {
    const page = source(PROGRAM_PAGES[program]);
    return placeOf(treeOf(program), section(page, 'SYNOPSIS'), section(page, 'DESCRIPTION'));
  }),
  ...leaves.map((node) => {
    const lines = section(source('fate.1'), named(node), 'Ss');
    return placeOf(node, lines.slice(0, lines.indexOf('.Pp')), lines);
  }),
];

function placeOf(node: CommandNode, synopsis: readonly string[], lines: readonly string[]): Place {
  return { node, synopsis, lines, listed: items(lines).filter(({ head }) => head.startsWith('Fl ')) };
}

/** Those that every command of `fate` has stand in a section of their own. */
const isSpokenOf = (node: CommandNode, option: OptionNode): boolean => node.path[0] !== 'fate' || !isCommon(option);

test('every option of a command is in its list, with all its names, and no other is', () => {
  for (const { node, listed } of places) {
    const expected = node.options.filter((option) => isSpokenOf(node, option)).map(({ names }) => [...names].sort());
    const found = listed.map(({ head }) => [...flags([`.It ${head}`])].sort());
    assert.deepEqual(found.sort(), expected.sort(), named(node));
  }
  const common = items(section(source('fate.1'), 'Options of every command', 'Ss'));
  assert.deepEqual(
    common.flatMap(({ head }) => flags([`.It ${head}`])).sort(),
    treeOf('fate')
      .options.flatMap(({ names }) => names)
      .sort(),
  );
});

test('every option of a command is in its synopsis, and no other is', () => {
  for (const { node, synopsis } of places) {
    const left = new Set(flags(synopsis));
    for (const option of node.options.filter((one) => isSpokenOf(node, one))) {
      const name = option.names.find((one) => left.delete(one));
      assert.ok(name, `${named(node)}: ${option.names}`);
    }
    assert.deepEqual([...left], [], named(node));
  }
});

test('an option is given a value exactly where it takes one', () => {
  for (const { node, listed } of places) {
    for (const { head } of listed) {
      const option = optionOf(node, head);
      const shown = words(`.It ${head}`).some(({ macro }) => macro === 'Ar' || macro === 'Cm');
      assert.equal(shown, option.value !== null, `${named(node)} ${option.names}`);
    }
  }
});

test('no option is spoken of that the command does not have', () => {
  for (const { node, lines } of places) {
    const known = new Set([...treeOf('fate').options, ...node.options].flatMap(({ names }) => names));
    assert.deepEqual(
      flags(lines).filter((flag) => !known.has(flag)),
      [],
      named(node),
    );
  }
  const any = new Set(
    [...trees.values()].flatMap(everyCommand).flatMap(({ options }) => options.flatMap(({ names }) => names)),
  );
  // `sh -c`
  any.add('-c');
  for (const page of PAGES) {
    assert.deepEqual(
      flags(source(page)).filter((flag) => !any.has(flag)),
      [],
      page,
    );
  }
});

test('a choice and a default are those of the parser', async () => {
  for (const { node, listed } of places) {
    const help = (await helpOf(node.path)).split('\n');
    for (const item of listed) {
      const option = optionOf(node, item.head);
      const kind = option.value?.kind;
      if (kind?.kind === 'words') {
        const told = wordsOf([`.It ${item.head}`, ...item.body], 'Cm');
        assert.deepEqual(new Set(told), new Set(kind.words), `${named(node)} ${option.names}`);
      }
      const long = option.names.find((name) => name.startsWith('--')) ?? '';
      const line = help.find((one) => one.includes(`${long} `)) ?? '';
      const given = /\[default: "?([^"\]]+)"?\]/.exec(line)?.[1];
      const told = /The default is ([^ ,.]+)/.exec(prose(item.body).replaceAll(' .', '.'))?.[1];
      if (given !== undefined && option.value !== null) assert.equal(told, given, `${named(node)} ${option.names}`);
      // The others are made by the command itself, and said in its help.
      else if (told !== undefined && /^[\da-z]+$/.test(told) && !['that', 'the'].includes(told))
        assert.ok(line.includes(told) || TOLD_HERE.has(`${named(node)} ${long}`), `${named(node)} ${long}: ${told}`);
    }
  }
});

/** Defaults that the page tells and --help does not. */
const TOLD_HERE: ReadonlySet<string> = new Set([
  // src/cli/ad-hoc.ts
  'fate debug execute --format-result',
]);

function optionOf(node: CommandNode, head: string): OptionNode {
  const names = flags([`.It ${head}`]);
  return node.options.find((option) => option.names.some((name) => names.includes(name))) ?? assert.fail(head);
}

/** Positionals that the page calls otherwise than the parser does. */
const CALLED: Readonly<Record<string, string>> = { what: 'task run' };

test('the arguments of a command are those of the parser', async () => {
  for (const { node, synopsis } of places.filter((place) => place.node.path[0] === 'fate')) {
    const found: string[] = [];
    for (const line of synopsis) {
      const list = words(line);
      const option = list.some(({ macro }) => macro === 'Fl');
      const here = list.filter(({ macro }) => macro === 'Ar').map(({ text }) => text);
      if (option || here.length === 0) continue;
      const name = here.filter((text) => text !== '...').join(' ');
      found.push(`${line.startsWith('.Op') ? '[' : '<'}${name}${here.includes('...') ? '..' : ''}`);
    }
    // `fate next [task..]` in the first line of its help; of debug execute the help says it itself.
    const usage = (await helpOf(node.path)).split('\n')[0] ?? '';
    const expected = node.runsCommand
      ? ['<program', '[argument..']
      : [...usage.matchAll(/([[<])([\w.]+)[\]>]/g)].map(([, open, name = '']) => open + (CALLED[name] ?? name));
    assert.deepEqual(found.sort(), expected.sort(), named(node));
  }
});

test('everything else that a page calls a command is one', () => {
  const known = new Set(leaves.flatMap(({ path }) => path.slice(1)));
  for (const page of PAGES) {
    for (const line of source(page)) {
      const list = words(line);
      const at = list.findIndex(({ macro, text }) => macro === 'Nm' && text === 'fate');
      if (at < 0) continue;
      for (const { text } of list.slice(at + 1).filter(({ macro }) => macro === 'Cm')) assert.ok(known.has(text), line);
    }
  }
});

class Understood extends Error {}

/** Has the real parser read a command line, and stops before anything is done. */
async function understand(program: Program, args: readonly string[]): Promise<void> {
  const parser = makeParser(program, () => {}).middleware(() => {
    throw new Understood();
  });
  await assert.rejects(async () => parser.parseAsync(commandWords(args)), Understood, `${program} ${args.join(' ')}`);
}

test('what is understood is told from what is not', async () => {
  await understand('fate', ['next', 'disk', '-n', '5']);
  await assert.rejects(understand('fate', ['next', '--nowhere']), assert.AssertionError);
  await assert.rejects(understand('fate', ['debug', 'rnu', 'disk']), assert.AssertionError);
});

/** The simple commands of a line of a shell, as words; quotes and `>` at the start of a continued line are understood. */
function commandsOf(line: string): string[][] {
  const found: string[][] = [[]];
  for (const [token, single, double] of line.matchAll(/'([^']*)'|"([^"]*)"|&&|\|\||[|;]|[^\s'"|;&]+/g)) {
    if (/^(&&|\|\||[|;])$/.test(token)) found.push([]);
    else found.at(-1)?.push(single ?? double ?? token);
  }
  return found.filter((command) => command.length > 0);
}

test('every command line of a page is one that the programs take', async () => {
  let tried = 0;
  for (const page of PAGES) {
    for (const { mark, lines } of blocks(source(page))) {
      if (mark !== '' && mark !== 'crontab') continue;
      for (const line of lines) {
        if (mark === '') assert.match(line, /^[$#>] /, `${page}: no prompt, and no word on what it is: ${line}`);
        const typed = mark === 'crontab' ? line.split(' ').slice(5).join(' ') : line.slice(2);
        for (const [program, ...args] of commandsOf(typed)) {
          if (program !== 'fate' && program !== 'fated' && program !== 'fates') continue;
          await understand(program, args);
          tried += 1;
        }
      }
    }
  }
  assert.ok(tried > 30, `only ${tried}`);
});

test('every command of fate has an example on its page', () => {
  for (const { node, lines } of places.filter((place) => place.node.path[0] === 'fate')) {
    const shown = blocks(lines).flatMap((block) => block.lines);
    assert.ok(
      shown.some((line) => line.includes(named(node))),
      named(node),
    );
  }
});

test('the script of fate-tasks(5) is a shell script that counts its runs', (t) => {
  const [script] = blocks(source('fate-tasks.5')).filter(({ mark }) => mark === 'script');
  const folder = mkdtempSync(join(tmpdir(), 'fate-man-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('task'), (script ?? assert.fail()).lines.join('\n'));
  writeFileSync(file('0'), '');
  for (const run of [1, 2, 3]) {
    const { status, stderr } = spawnSync('sh', ['-c', `sh task 3<${run - 1} 4>${run}`], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(readFileSync(file(String(run)), 'utf8'), `${run}\n`);
  }
});
