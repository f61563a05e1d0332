import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askDecoder } from '../../../src/output/decoder.ts';
import { makeFolder, writeOutput } from './support.ts';

const yaml = (n: number): string => Array.from({ length: n }, (_, i) => `- {id: ${i}, name: "name ${i}"}\n`).join('');

test('questions asked at once are all answered, one after the other', async (t) => {
  const folder = makeFolder(t);
  const json = writeOutput(folder, 'json', JSON.stringify(Array(100_000).fill('text')));
  const csv = writeOutput(folder, 'csv', 'a,b\n'.repeat(100_000));
  const answers = await Promise.all([
    askDecoder({ format: 'json', file: json }),
    askDecoder({ format: 'csv', file: csv }),
    askDecoder({ format: 'json', file: csv }),
    askDecoder({ format: 'yaml', file: writeOutput(folder, 'yaml', yaml(1000)) }),
    askDecoder({ format: 'toml', file: json }),
    askDecoder({ format: 'toml', file: writeOutput(folder, 'toml', 'a = 1\n') }),
  ]);
  assert.deepEqual(answers, [true, true, false, true, false, true]);
});

test('a file that cannot be read is of no format', async (t) => {
  const file = `${makeFolder(t)}/none`;
  for (const format of ['csv', 'json', 'toml', 'yaml'] as const)
    assert.equal(await askDecoder({ format, file }), false);
});

test('what takes too long is given up, and the next question is answered', async (t) => {
  const folder = makeFolder(t);
  const long = writeOutput(folder, 'long', yaml(90_000));
  const short = writeOutput(folder, 'short', yaml(10));
  const started = performance.now();
  const answers = [askDecoder({ format: 'yaml', file: long }, 50), askDecoder({ format: 'yaml', file: short })];
  assert.deepEqual(await Promise.all(answers), [false, true]);
  assert.ok(performance.now() - started < 5000);
});

test('an idle decoder keeps no process alive', (t) => {
  const file = writeOutput(makeFolder(t), 'json', JSON.stringify(Array(100_000).fill(1)));
  const decoder = fileURLToPath(new URL('../../../src/output/decoder.js', import.meta.url));
  const script = `
    import { askDecoder } from ${JSON.stringify(decoder)};
    const found = await askDecoder({ format: 'json', file: ${JSON.stringify(file)} });
    const answered = performance.now();
    process.on('exit', () => console.log(found, performance.now() - answered < 1000));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout, 'true true\n', stderr);
});
