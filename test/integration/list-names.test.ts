/** `fate list --names`, by the built program: which names, and what it does not need. And bash, which asks it for them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { completionScript } from '../../src/cli/completion/script.ts';
import { makePrefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const TASKS = `
["db:main"]
schedule = "0 2 * * *"
exec = ["true"]

["café"]
schedule = "0 2 * * *"
exec = ["true"]
enabled = false

[broken]
schedule = "never"

["two words"]
schedule = "0 2 * * *"
exec = ["true"]

["$(touch made)"]
schedule = "0 2 * * *"
exec = ["true"]

[x-own]
note = 1

[ext]
note = 1
`;

test('the names of all tasks, each once, in their order, from the tasks file and the drop-ins', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': TASKS,
    'defaults.toml': 'timeout = "soon"\n',
    'tasks.d/10.yaml': 'backup: {schedule: "@daily", exec: ["true"]}\nbroken: {schedule: "@daily"}\n',
    'tasks.d/20.toml': 'not toml',
    'tasks.d/30.toml': '',
  });
  const { status, stdout, stderr } = await prefix.run('fate', 'list', '--names');
  assert.deepEqual([status, stdout, stderr], [0, 'db:main\ncafé\nbroken\nbackup\n', '']);
  assert.equal(existsSync(prefix.paths.state), false, 'nothing is made');
  const json = await prefix.run('fate', 'list', '--names', '--json');
  assert.deepEqual(JSON.parse(json.stdout), ['db:main', 'café', 'broken', 'backup']);
});

test('where the configuration cannot be read there is nothing on stdout, and the exit status is as ever', async (t) => {
  const wrong: [number, Readonly<Record<string, string>>][] = [
    [72, {}],
    [64, { 'tasks.toml': '', 'tasks.yaml': '' }],
    [65, { 'tasks.toml': 'not toml' }],
    [65, { 'tasks.toml': TASKS, 'defaults.yaml': 'a: [' }],
    [78, { 'tasks.yaml': '- a\n' }],
  ];
  for (const [expected, files] of wrong) {
    const prefix = makePrefix(t, files);
    const names = await prefix.run('fate', 'list', '--names');
    assert.deepEqual([names.status, names.stdout], [expected, ''], JSON.stringify(files));
    assert.match(names.stderr, /^fate: /m);
    assert.equal((await prefix.run('fate', 'list')).status, expected, 'as fate list');
  }
});

test('one that others can write is refused when root reads it', {
  skip: process.getuid?.() !== 0 && 'only for root',
}, async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  chmodSync(join(prefix.paths.conf, 'tasks.toml'), 0o666);
  const { status, stdout } = await prefix.run('fate', 'list', '--names');
  assert.deepEqual([status, stdout], [77, '']);
});

test('bash completes the name of a task with the built program', (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  const program = join(prefix.root, 'fate');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(repo, 'dist', 'fate.js')}' "$@"\n`, {
    mode: 0o755,
  });
  const script = join(prefix.root, 'completion');
  writeFileSync(script, completionScript('bash'));
  const asks = `source "$0"; COMP_WORDS=(fate why ''); COMP_CWORD=2; _fate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', asks, script], {
    env: { ...prefix.env, PATH: `${prefix.root}:${process.env.PATH}` },
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr], ['db:main\ncafé\nbroken\n', '']);
});
