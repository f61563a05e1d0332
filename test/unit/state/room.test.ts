/** A full disk refuses a transaction before LMDB begins with it: afterwards LMDB may end the process (room.ts). */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ended, runProgram, scratch, storeIn, tinyDisk } from './stores.ts';

/** Writes batches of many sizes, fills the disk in between, and tells how many were written, refused, and half written. */
const UP_AND_DOWN = `
import { rmSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs';
const store = openStore(folder + '/store');
store.keepHistory({ maxRuns: 20, maxFailures: 20, maxAge: null });
const blank = JSON.parse(ENTRY);
let [n, written, refused, torn] = [0, 0, 0, 0];
// The same in each run.
let seed = 7;
const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
const excerpt = (size) => ({ head: Buffer.alloc(16384, 1), tail: Buffer.alloc(size, 2), size: 16384 + size });
function batch() {
  const closed = new Map();
  for (let i = random(20); i >= 0; i -= 1) {
    n += 1;
    const id = 'r' + String(n).padStart(10, '0');
    const output = random(2) === 0 ? { stdout: excerpt(random(65536)), stderr: excerpt(0) } : null;
    closed.set(id, { entry: { ...blank, id, task: 't' + (n % 5), due: n * 1000, first: n * 1000 }, output });
  }
  const states = new Map([['counter', { kind: 'text', value: n + ' ' + 'x'.repeat(random(400000)) }]]);
  try {
    store.write({ closed, states });
    written += 1;
    if (store.entry([...closed.keys()].at(-1)) === null) torn += 1;
  } catch (error) {
    refused += 1;
    if (!/could not be written: ENOSPC: .*\\(the disk is full\\)$/.test(error.message)) throw error;
    if (store.state('counter')?.value.startsWith(n + ' ')) torn += 1;
    for (const id of closed.keys()) if (store.entry(id) !== null) torn += 1;
  }
}
function fill() {
  const fd = openSync(folder + '/fill', 'a');
  for (let size = 1 << 20; size >= 4096; size /= 2) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, 1));
    } catch {}
  }
  closeSync(fd);
}
for (let i = 0; i < 60; i += 1) {
  for (let j = 0; j < 3; j += 1) batch();
  fill();
  for (let j = 0; j < 6; j += 1) batch();
  rmSync(folder + '/fill');
}
batch();
console.log(JSON.stringify({ written, refused, torn }));
await store.close();
`;

test('filled up again and again between batches of any size, LMDB never meets a full disk, and nothing is half written', (t) => {
  const disk = tinyDisk(t, 24 << 20);
  if ('reason' in disk) return t.skip(disk.reason);
  runProgram(disk.folder, `import { mkdirSync } from 'node:fs'; mkdirSync(folder + '/store');`);
  const body = `const ENTRY = ${JSON.stringify(JSON.stringify(ended('r0')))};\n${UP_AND_DOWN}`;
  const { status, signal, stdout, stderr } = runProgram(disk.folder, body);
  // LMDB says there what it was refused.
  assert.deepEqual([status, signal, stderr], [0, null, '']);
  const { written, refused, torn } = JSON.parse(stdout);
  assert.ok(refused > 5 && written > 300, stdout);
  assert.equal(torn, 0);
});

test('the store is longer than what is in it by no more than a transaction may need', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  for (let i = 0; i < 200; i += 1) {
    const id = `r${String(i).padStart(6, '0')}`;
    store.write({ closed: new Map([[id, { entry: ended(id), output: null }]]) });
  }
  const { size, blocks } = statSync(join(folder, 'data.mdb'));
  assert.ok(size < 2 << 20, `${size}`);
  assert.ok(blocks * 512 >= size, 'without holes: what is allocated can be written over');
});
