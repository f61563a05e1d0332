import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openJournal } from '../../../src/platform/journal.ts';

test('where the socket of the journal is not there, there is no journal', () => {
  assert.equal(openJournal('/nowhere/socket'), null);
});

// What is sent here is refused before it leaves the process: sd_journal_sendv(3) looks for the `=` of each field.
const sender = openJournal('/');

test('what the journal will not take is a system error, and ends nothing that comes after it', {
  skip: sender === null ? 'libsystemd is not there' : false,
}, async () => {
  const ends = await Promise.allSettled([
    sender?.send([Buffer.from('MESSAGE=x'), Buffer.from('no field')]),
    sender?.send([Buffer.from('')]),
  ]);
  for (const end of ends) {
    assert.equal(end.status, 'rejected');
    const { code, errno, syscall, message } = end.reason;
    assert.deepEqual([code, errno, syscall], ['EINVAL', -22, 'sd_journal_sendv']);
    assert.equal(message, 'EINVAL: invalid argument, sd_journal_sendv');
  }
});
