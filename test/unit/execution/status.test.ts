import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfMemory, overOutput } from '../../../src/execution/limits.ts';
import { statusOf } from '../../../src/execution/status.ts';
import type { EndedBy, Exit } from '../../../src/types.ts';

function exitWith(changes: Partial<Exit>): Exit {
  return {
    code: 0,
    signal: null,
    endedBy: 'itself',
    limit: null,
    failure: null,
    pid: 4711,
    startedAt: 0,
    endedAt: 5,
    duration: 5,
    stdoutBytes: 0,
    stdoutError: null,
    state: Buffer.alloc(0),
    stderrDropped: 0,
    left: 0,
    usage: { memory: null, cpu: null, outOfMemory: 0 },
    ...changes,
  };
}

const OUT: Partial<Exit> = { endedBy: 'limit', limit: outOfMemory({ memory: 1, cpu: 1, outOfMemory: 1 }, 1024) };

const LINES: [string, Partial<Exit>, number[], string][] = [
  ['0', { code: 0 }, [0], 'OK info'],
  ['0 is good whatever is listed', { code: 0 }, [3], 'OK info'],
  ['a status of success_exit', { code: 3 }, [0, 3], 'OK info'],
  ['42', { code: 42 }, [0], 'Retry warning'],
  ['42 where it is listed', { code: 42 }, [0, 42], 'OK info'],
  ['another status', { code: 1 }, [0], 'Error error'],
  ['the highest status', { code: 255 }, [0], 'Error error'],
  ['SIGKILL', { code: null, signal: 'SIGKILL' }, [0], 'Killed error'],
  ['SIGTERM', { code: null, signal: 'SIGTERM' }, [0], 'Terminated error'],
  ['another signal', { code: null, signal: 'SIGSEGV' }, [0], 'Signaled error'],
  ['a failed start', { code: null, failure: 'not there', pid: null }, [0], 'Failed error'],
  ['a real-time signal', { code: null, signal: 'SIGRTMIN+3' }, [0], 'Signaled error'],
  ['a limit', { code: 0, endedBy: 'limit', limit: overOutput(1) }, [0], 'Error error'],
  ['the limit of memory, and SIGKILL', { ...OUT, code: null, signal: 'SIGKILL' }, [0], 'Killed error'],
  ['the limit of memory, and another status', { ...OUT, code: 1 }, [0], 'Error error'],
  ['the limit of memory, and a status of success_exit', { ...OUT, code: 3 }, [0, 3], 'OK info'],
  ['a lost scheduler', { code: null, endedBy: 'lost' }, [0], 'Lost error'],
];

for (const [name, exit, success, expected] of LINES) {
  test(`${name} is ${expected}`, () => {
    const { status, level } = statusOf(exitWith(exit), success);
    assert.equal(`${status} ${level}`, expected);
  });
}

const ENDS: Partial<Exit>[] = [
  { code: 0 },
  { code: 42 },
  { code: 9 },
  { code: null, signal: 'SIGTERM' },
  { code: null, signal: 'SIGINT' },
];

test('a timeout is a Timeout whatever the task then exits with', () => {
  for (const end of [...ENDS, { code: null, signal: 'SIGKILL' as const }]) {
    assert.deepEqual(statusOf(exitWith({ ...end, endedBy: 'timeout' }), [0, 42]), {
      status: 'Timeout',
      level: 'error',
    });
  }
});

test('a run that was told to end is Terminated whatever it then exits with, and Killed where it took SIGKILL', () => {
  for (const endedBy of ['stop', 'kill', 'replace'] satisfies EndedBy[]) {
    for (const end of ENDS) {
      const found = statusOf(exitWith({ ...end, endedBy }), [0, 42]);
      assert.deepEqual(found, { status: 'Terminated', level: 'warning' });
    }
    const killed = statusOf(exitWith({ code: null, signal: 'SIGKILL', endedBy }), [0]);
    assert.deepEqual(killed, { status: 'Killed', level: 'warning' });
  }
});
