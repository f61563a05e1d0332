/** Documents and code cannot disagree: links, the table of errors, the list of packages, the version of Node. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { everyCommand, programTrees } from '../../src/cli/completion/tree.ts';
import { defaultsSchema, taskSchema } from '../../src/conf/schema.ts';
import { ERRORS } from '../../src/errors.ts';
import { repo } from '../helpers/repo.ts';

const read = (path: string): string => readFileSync(join(repo, path), 'utf8');

const NOT_OURS = /^(node_modules|build|dist|release|\.git|\.node|\.demo|\.deb)$/;

function markdownFiles(folder = ''): string[] {
  return readdirSync(join(repo, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The anchor that a heading gets where Markdown is shown: lower case, punctuation dropped, spaces as hyphens. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** Without fenced code and code spans, in which brackets mean nothing. */
const prose = (markdown: string): string =>
  markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '``');

test('every link inside the documents leads somewhere', () => {
  const broken: string[] = [];
  let links = 0;
  for (const file of markdownFiles()) {
    const text = prose(read(file));
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links += 1;
      const [path = '', anchor] = target.split('#');
      const file2 = path === '' ? file : relative(repo, join(repo, dirname(file), path));
      const there =
        existsSync(join(repo, file2)) &&
        (anchor === undefined ||
          [...prose(read(file2)).matchAll(/^#+ (.*)$/gm)].some(([, heading = '']) => anchorOf(heading) === anchor));
      if (!there) broken.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(links > 10, 'links were found');
});

test('docs/index.md leads to every page of docs/', () => {
  const index = read('docs/index.md');
  const pages = readdirSync(join(repo, 'docs')).filter((page) => page.endsWith('.md') && page !== 'index.md');
  assert.deepEqual(
    pages.filter((page) => !index.includes(`](${page})`)),
    [],
  );
});

test('docs/dependencies.md names every package with its version, and no other', () => {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(read('package.json'));
  const lock = JSON.parse(read('package-lock.json')).packages;
  const expected = Object.entries<string>({ ...dependencies, ...optionalDependencies, ...devDependencies }).map(
    ([name, version]) => {
      const license: string = lock[`node_modules/${name}`].license;
      return `${name} ${version} ${license}`;
    },
  );
  const rows = read('docs/dependencies.md').matchAll(/^\| (\S+) \| (\d\S+) \| ([^|(]+?) (?:\([^|]*\) )?\|/gm);
  assert.deepEqual(
    [...rows].map(([, name, version, license]) => `${name} ${version} ${license}`).sort(),
    expected.sort(),
  );
});

test('docs/dependencies.md names the private Node that the set-up takes', () => {
  const { optionalDependencies } = JSON.parse(read('packaging/scripts/node/package.json'));
  const [version, ...others] = [...new Set(Object.values<string>(optionalDependencies))];
  assert.deepEqual(others, [], 'one version for every machine');
  assert.match(read('docs/dependencies.md'), new RegExp(`official binary of Node ${version?.replaceAll('.', '\\.')} `));
});

test('the set-up asks for the Node that package.json asks for', () => {
  const least = JSON.parse(read('package.json')).engines.node.replace('>=', '');
  const [major, minor] = least.split('.');
  const script = read('packaging/scripts/with-node.sh');
  assert.ok(script.includes(`a > ${major} || (a === ${major} && b >= ${minor})`), script);
  for (const file of ['README.md', 'packaging/scripts/setup.sh'])
    assert.ok(read(file).includes(`${least} or later`), file);
});

test('docs/errors.md has the table of src/errors.ts', () => {
  const rows = read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| ([^|]+) \|$/gm);
  assert.deepEqual(
    [...rows].map(([, code, exit, text]) => [code, Number(exit), text]),
    Object.entries(ERRORS).map(([code, { exit, text }]) => [code, exit, text]),
  );
});

test('make help lists every target for people, and the README has those that matter', () => {
  const targets = [...read('Makefile').matchAll(/^([a-z]+):.*## /gm)].map(([, target]) => target);
  for (const target of ['deps', 'build', 'check', 'test', 'demo', 'bench', 'fmt', 'install', 'clean'])
    assert.ok(targets.includes(target), target);
  for (const command of ['make demo', 'make test', 'make install'])
    assert.ok(read('README.md').includes(command), command);
});

test('docs/tasks.md names every key of a task and of the defaults file', () => {
  const page = read('docs/tasks.md');
  const keysOf = (schema: unknown, prefix: string): string[] => {
    const shape = shapeOf(schema);
    if (shape === null) return [prefix.slice(0, -1)];
    return Object.entries(shape).flatMap(([key, inner]) => keysOf(inner, `${prefix}${key}.`));
  };
  // What these hold stands in prose or in a table of its own.
  const whole = /^(path\.keep|path\.log|shell|schedule\.expression)\b.*/;
  const keys = [...keysOf(taskSchema, ''), ...keysOf(defaultsSchema, '')].map((key) => key.replace(whole, '$1'));
  assert.ok(keys.includes('format.result') && keys.includes('device_id'), `${keys}`);
  for (const key of new Set(keys)) {
    const said = key === 'schedule.expression' ? 'expression' : key;
    assert.ok(page.includes(`\`${said}\``), `${key} is not on the page`);
  }
});

/** The keys of a Zod mapping, also of one that may be left out or null; null where it is something else. */
function shapeOf(schema: unknown): Record<string, unknown> | null {
  const def = (schema as { _zod: { def: { shape?: Record<string, unknown>; innerType?: unknown } } })._zod.def;
  if (def.shape !== undefined) return def.shape;
  return def.innerType === undefined ? null : shapeOf(def.innerType);
}

test('docs/commands.md names every command and every option there is, and no other option', () => {
  const page = read('docs/commands.md');
  const commands = programTrees().flatMap((tree) => everyCommand(tree));
  const calls = commands.map(({ path }) => path.join(' '));
  assert.deepEqual(
    calls.filter((call) => !page.includes(call)),
    [],
  );
  const long = (names: readonly string[]): string[] => names.filter((name) => name.startsWith('--'));
  const options = new Set(commands.flatMap((command) => command.options.flatMap(({ names }) => long(names))));
  assert.ok(options.size > 20, [...options].join(' '));
  const named = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option));
  assert.deepEqual(
    [...options].filter((option) => !named.has(option)),
    [],
  );
  assert.deepEqual(
    [...named].filter((option) => !options.has(option)),
    [],
  );
});
