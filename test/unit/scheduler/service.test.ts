/** What systemd hears of the scheduler (SPEC 11). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bustle, Service, statusText } from '../../../src/scheduler/service.ts';
import type { Notifier } from '../../../src/systemd/notify.ts';
import type { Ms } from '../../../src/types.ts';
import { FakeClock } from '../../helpers/fake-clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12, 0, 0);
const IDLE: Bustle = { running: 0, waiting: 0, next: null };

function makeService(watchdogEvery: Ms | null = null) {
  const clock = new FakeClock(NOON);
  const told: string[] = [];
  const notifier: Notifier = {
    watchdogEvery,
    ready: () => told.push('ready'),
    reloading: () => told.push('reloading'),
    stopping: () => told.push('stopping'),
    status: (text) => told.push(text),
    watchdog: () => told.push('watchdog'),
    extend: (by) => told.push(`extend ${by}`),
  };
  const zones = {
    zone: () => ({ name: 'x', offsetAt: () => 3_600_000, nextTransition: () => null }),
    changed: () => false,
  };
  return { clock, told, service: new Service({ notifier, clock, zones }) };
}

test('the status says what runs, what waits and what comes next, on the wall clock', () => {
  const offset = () => 3_600_000;
  assert.equal(statusText(IDLE, NOON, offset), '0 running, nothing is due');
  const soon = { running: 3, waiting: 2, next: { task: 'ping', at: NOON + 300_000 } };
  assert.equal(statusText(soon, NOON, offset), '3 running, 2 waiting, next ping at 13:05:00');
  const tomorrow = { running: 0, waiting: 0, next: { task: 'ping', at: NOON + 11 * 3_600_000 } };
  assert.equal(statusText(tomorrow, NOON, offset), '0 running, next ping at 2026-01-02 00:00:00');
});

test('the loop is fed to the watchdog, and rests no longer than a third of its time', async () => {
  const { clock, told, service } = makeService(10_000);
  assert.equal(service.longestWait, 10_000);
  service.turned(false);
  service.turned(false);
  assert.equal(told.filter((word) => word === 'watchdog').length, 1);
  await clock.advance(10_000);
  service.turned(false);
  assert.equal(told.filter((word) => word === 'watchdog').length, 2);
});

test('without a watchdog nothing is fed, and the loop looks at the clock each 30 s', () => {
  const { told, service } = makeService();
  assert.equal(service.longestWait, 30_000);
  service.turned(false);
  assert.ok(!told.includes('watchdog'));
});

test('of many turns the status is told at once and then once a second, the last one too', async () => {
  const { clock, told, service } = makeService();
  let running = 0;
  service.ready(() => ({ ...IDLE, running }));
  assert.deepEqual(told, ['ready', '0 running, nothing is due']);
  for (running = 1; running < 100; running += 1) service.turned(false);
  assert.equal(told.length, 2);
  await clock.advance(1_000);
  assert.deepEqual(told.slice(2), ['100 running, nothing is due']);
  service.close();
});

test('a stop that is busy asks for more time, one that only hopes does not', async () => {
  const { clock, told, service } = makeService();
  service.stopping();
  service.turned(true);
  service.turned(true);
  await clock.advance(5_000);
  service.turned(true);
  assert.deepEqual(
    told.filter((word) => word.startsWith('extend')),
    ['extend 30000', 'extend 30000'],
  );
  await clock.advance(5_000);
  service.turned(false);
  assert.equal(told.filter((word) => word.startsWith('extend')).length, 2);
  service.close();
});

test('a start that takes long asks for more time until it is done', async () => {
  const { clock, told, service } = makeService();
  let done = (): void => {};
  const work = service.during(new Promise<void>((resolve) => (done = resolve)));
  await clock.advance(5_000);
  await clock.advance(5_000);
  assert.equal(told.length, 3);
  done();
  await work;
  await clock.advance(60_000);
  assert.equal(told.length, 3);
});

test('a reload is told when it begins and when it is over, also when it fails', async () => {
  const { told, service } = makeService();
  await service.reloading(async () => {});
  await assert.rejects(service.reloading(() => Promise.reject(new Error('no'))));
  assert.deepEqual(told, ['reloading', 'ready', 'reloading', 'ready']);
});

test('a restart is a reload that ends with the next start, told at once, and fed to the watchdog for the gap', async () => {
  const { told, service } = makeService(10_000);
  service.ready(() => ({ ...IDLE, running: 1 }));
  told.length = 0;
  service.restarting();
  assert.deepEqual(told, ['reloading', 'restarting, 1 running']);
  await service.reloading(async () => {});
  assert.ok(!told.includes('ready'), 'also by a reload that ends meanwhile');
  told.length = 0;
  service.close();
  assert.deepEqual(told, ['watchdog']);
  const unwatched = makeService();
  unwatched.service.restarting();
  unwatched.service.close();
  assert.ok(!unwatched.told.includes('watchdog'));
});

test('a stop that comes during a restart is told as one', () => {
  const { told, service } = makeService(10_000);
  service.ready(() => IDLE);
  service.restarting();
  service.stopping();
  assert.equal(told.at(-1), 'stopping');
  service.close();
  assert.ok(!told.includes('watchdog'));
});
