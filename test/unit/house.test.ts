/** The rules of the house (CONTRIBUTING.md) on imports, purity and one package per folder, held by the ordinary run. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { repo } from '../helpers/repo.ts';

const src = join(repo, 'src');

/** A folder may import from those of a lower storey, and from itself. */
const STOREYS: readonly (readonly string[])[] = [
  ['types.ts'],
  ['errors.ts'],
  ['faults.ts'],
  ['folders.ts', 'modes.ts', 'proc.ts'],
  ['schedule', 'tenancy'],
  ['execution', 'output', 'state', 'log', 'systemd', 'control', 'conf', 'platform'],
  ['scheduler', 'reload.ts', 'preload.ts'],
  ['daemon.ts'],
  ['cli'],
  ['bin'],
];

/** Imports within the third storey, and no more (CONTRIBUTING, rule 1). */
const NEIGHBOURS = new Set(['conf -> output/formats.ts', 'state -> output/formats.ts']);

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'cron-parser': ['schedule'],
  luxon: ['schedule', 'conf/template', 'conf/scope'],
  zod: ['conf'],
  ejs: ['conf'],
  'toml-eslint-parser': ['conf'],
  yaml: ['output/formats', 'conf'],
  toml: ['output/formats', 'conf'],
  'smol-toml': ['output/formats'],
  'tar-stream': ['output'],
  lmdb: ['state'],
  winston: ['log'],
  'winston-transport': ['log'],
  koffi: ['platform'],
  'sd-notify': ['systemd'],
  yargs: ['cli'],
  'string-width': ['cli'],
};

const PURE = [/^schedule\//, /^tenancy\//, /^conf\/(schema|resolve)/, /^output\/(formats|detection|record)/];
const IMPURITIES: readonly [RegExp, string][] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'the clock'],
  [/\bprocess\.(env|hrtime|kill|exit|on)\b/, 'the process'],
  [/\b(setTimeout|setInterval|setImmediate)\(/, 'a timer'],
  [/from 'node:(fs|fs\/promises|child_process|net|worker_threads|os|timers)'/, 'the system'],
];

interface Source {
  readonly name: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(): Source[] {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return names.map((name) => {
    const text = readFileSync(join(src, name), 'utf8');
    const imports = [...text.matchAll(/(?:^|\s)(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
    return { name, text, imports };
  });
}

const roomOf = (name: string): string => name.split('/')[0] ?? name;
const storeyOf = (name: string): number => STOREYS.findIndex((rooms) => rooms.includes(roomOf(name)));

const all = sources();

test('there is something to hold to the rules', () => {
  assert.ok(all.length > 30, `only ${all.length} sources found below ${src}`);
  assert.ok(all.flatMap((source) => source.imports).length > 100);
});

test('every source stands in a storey of the house', () => {
  assert.deepEqual(
    all.filter(({ name }) => storeyOf(name) < 0).map(({ name }) => name),
    [],
  );
});

test('imports go down only, and neighbours do not import each other', () => {
  const wrong = all.flatMap(({ name, imports }) =>
    imports
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(src, join(src, dirname(name), target)))
      .filter((target) => {
        if (roomOf(target) === roomOf(name)) return false;
        if (NEIGHBOURS.has(`${roomOf(name)} -> ${target}`)) return false;
        return storeyOf(target) >= storeyOf(name);
      })
      .map((target) => `${name} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('no module imports itself in a circle', () => {
  const graph = new Map(
    all.map(({ name, text }) => [
      name,
      [...text.matchAll(/^(?:import|export)\s+(?!type\b)[^'"]*?from\s+'(\.[^']+)'/gm)].map((match) =>
        relative(src, join(src, dirname(name), match[1] ?? '')),
      ),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(' -> '));
    if (path.includes(name) || done.has(name)) return;
    for (const target of graph.get(name) ?? []) visit(target, [...path, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  assert.deepEqual(circles, []);
});

test('a package of others is imported in its own folder only', () => {
  const wrong = all.flatMap(({ name, imports }) =>
    imports
      .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
      .map((target) =>
        target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      .filter((pack) => !(PACKAGES[pack] ?? []).some((place) => name.startsWith(place)))
      .map((pack) => `${name} imports ${pack}`),
  );
  assert.deepEqual(wrong, []);
});

test("Node's own modules are imported with node:", () => {
  const bare = all.flatMap(({ name, imports }) =>
    imports.filter((i) => builtinModules.includes(i)).map((i) => `${name}: ${i}`),
  );
  assert.deepEqual(bare, []);
});

test('the pure core touches no clock, process, timer or file', () => {
  const pure = all.filter(({ name }) => PURE.some((p) => p.test(name)));
  assert.ok(pure.length >= 8);
  const wrong = pure.flatMap(({ name, text }) => {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    return IMPURITIES.filter(([pattern]) => pattern.test(code)).map(([, what]) => `${name} touches ${what}`);
  });
  assert.deepEqual(wrong, []);
});

test('no source has grown past 250 lines, but the records that all share', () => {
  const long = all
    .filter(({ name }) => name !== 'types.ts')
    .map(({ name, text }) => [text.split('\n').length - 1, name] as const)
    .filter(([lines]) => lines > 250);
  assert.deepEqual(long, []);
});
