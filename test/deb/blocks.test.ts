/** debian/tests/blocks: what of a page becomes a script that a test runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { repo } from '../helpers/repo.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fate-blocks-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Extracted {
  readonly status: number | null;
  readonly stderr: string;
  readonly files: readonly string[];
}

const out = (name: string): string => join(folder, 'out', name);

function extract(page: string, ...section: readonly string[]): Extracted {
  const file = join(folder, 'page.md');
  writeFileSync(file, page);
  const blocks = join(repo, 'debian/tests/blocks');
  const { status, stderr } = spawnSync('sh', [blocks, file, ...section, join(folder, 'out')], { encoding: 'utf8' });
  return { status, stderr, files: readdirSync(join(folder, 'out')).sort() };
}

/** As the tests run a block. */
function run(name: string): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('bash', [out(name)], { encoding: 'utf8', cwd: folder });
  return { status, stdout, stderr };
}

test('the blocks of a section are numbered in order, up to the next heading of its level', () => {
  const page = [
    ...['# Page', '```sh', 'echo before', '```', '## Day', '```sh', 'echo one', '```', '### Part'],
    ...['```text', '## no heading', '```', '```sh', 'echo two', '```', '## Day two', '```sh', 'echo after', '```', ''],
  ].join('\n');
  assert.deepEqual(extract(page, 'Day').files, ['01.sh', '02.sh']);
  assert.deepEqual([run('01.sh').stdout, run('02.sh').stdout], ['one\n', 'two\n']);
  assert.deepEqual(extract(page).files, ['01.sh', '02.sh', '03.sh', '04.sh']);
});

test('a block fails with the first command that fails, and sudo runs its words', () => {
  extract('```sh\nsudo printf "%s|" "a b" c\nfalse\necho on\n```\n');
  assert.deepEqual([run('01.sh').status, run('01.sh').stdout], [1, 'a b|c|']);
});

test('of a console block the lines behind $ are run, with those they go on in', () => {
  extract('```console\n$ echo a \\\n  b\nsomething printed\n$ echo c\n```\n');
  assert.equal(run('01.sh').stdout, 'a b\nc\n');
});

test('a file is written as it stands, whatever is in it', () => {
  const text = `a = 'it''s'\nb = "$HOME \`x\` \\\\ %s & \\n"\n`;
  const file = join(folder, 'made/by page.toml');
  const { files } = extract(`<!-- file: ${file} -->\n\n\`\`\`toml\n${text}\`\`\`\n`);
  assert.deepEqual(files, ['01.sh']);
  assert.deepEqual([run('01.sh').status, readFileSync(file, 'utf8')], [0, text]);
});

test('what is given runs before, in the same shell, and is heard only if it fails', () => {
  extract('<!-- given: echo quiet\nx=1\ncd / -->\n```sh\necho $x $PWD\n```\n');
  assert.deepEqual(run('01.sh'), { status: 0, stdout: '1 /\n', stderr: '' });
  extract('<!-- given: echo trouble; false -->\n```sh\necho on\n```\n');
  assert.deepEqual(run('01.sh'), { status: 1, stdout: '', stderr: 'trouble\n' });
});

test('a block may have to end with another status than 0', () => {
  extract('<!-- exit: 3 -->\n```sh\necho a\n(exit 3)\necho b\n```\n<!-- exit: 3 -->\n```sh\ntrue\n```\n');
  assert.deepEqual([run('01.sh').status, run('01.sh').stdout], [0, 'a\n']);
  assert.deepEqual([run('02.sh').status, run('02.sh').stderr], [1, 'exit status 0, not 3\n']);
});

test('a block that is not run keeps its words and the reason; an example is kept as it is', () => {
  const page =
    '<!-- not run: needs\n  a network -->\n```sh\napt install x\n```\n```toml\na = 1\n```\n```json\n{}\n```\n';
  assert.deepEqual(extract(page).files, ['01.not-run', '02.toml']);
  assert.match(readFileSync(out('01.not-run'), 'utf8'), /^# .*page\.md:3: needs a network\napt install x\n$/);
  assert.equal(readFileSync(out('02.toml'), 'utf8'), 'a = 1\n');
});

test('blocks in lists are indented, blocks in longer fences may show fences, and other comments say nothing', () => {
  const page = '- so:\n\n  ```sh\n  echo a\n    echo b\n  ```\n<!-- a remark -->\n\n````md\n```sh\nexit 9\n```\n````\n';
  assert.deepEqual(extract(page).files, ['01.sh']);
  assert.equal(readFileSync(out('01.sh'), 'utf8').split('\n').slice(-3).join('\n'), 'echo a\n  echo b\n');
});

for (const [name, page] of [
  ['a comment that stands before text', '<!-- exit: 3 -->\nText\n```sh\ntrue\n```\n'],
  ['a comment at the end', '<!-- exit: 3 -->\n'],
  ['a block without an end', '```sh\ntrue\n'],
  ['a comment without an end', '<!-- given: true\n```sh\ntrue\n```\n'],
  ['an exit status that is none', '<!-- exit: bad -->\n```sh\ntrue\n```\n'],
  ['two comments of a kind', '<!-- exit: 3 -->\n<!-- exit: 4 -->\n```sh\ntrue\n```\n'],
  ['a comment before a block that is not run anyway', '<!-- exit: 3 -->\n```json\n{}\n```\n'],
  ['a console block without a command', '```console\noutput\n```\n'],
] as const) {
  test(`a page is refused, with the place: ${name}`, () => {
    const { status, stderr } = extract(page);
    assert.equal(status, 1);
    assert.match(stderr, /^\S+page\.md:\d+: /);
  });
}

test('a section that is not there, or has no block, is told', () => {
  assert.deepEqual(extract('# A\n', 'B').status, 2);
  assert.deepEqual(extract('# A\n', 'A').status, 2);
});
