/** What systemd hears: a real datagram socket listens, and the real package, or what stands in for it, speaks. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { spareNotify } from '../../../src/platform/sd-notify.ts';
import { type Notifier, openNotifier } from '../../../src/systemd/notify.ts';
import { type NotifySocket, openNotifySocket, whyNoNotifySocket } from '../../helpers/notify-socket.ts';

type Told = [level: string, message: string][];
type Opener = typeof openNotifier;

const never = (): never => assert.fail('nothing was to be told');
const noSocket = whyNoNotifySocket() ?? false;

function whyNoPackage(): string | false {
  try {
    createRequire(import.meta.url)('sd-notify');
    return noSocket;
  } catch {
    return 'sd-notify could not be built on this machine';
  }
}

/** Both the package and the spare way read this process's own environment. */
async function listen(t: TestContext): Promise<NotifySocket> {
  const socket = await openNotifySocket(t);
  process.env.NOTIFY_SOCKET = socket.path;
  t.after(() => {
    delete process.env.NOTIFY_SOCKET;
  });
  return socket;
}

const now = (): bigint => process.hrtime.bigint() / 1000n;

function useAll(notifier: Notifier): void {
  notifier.ready();
  notifier.reloading();
  notifier.status('one\nREADY=1\r\n two');
  notifier.extend(1500.25);
  notifier.watchdog();
  notifier.stopping();
}

test('without NOTIFY_SOCKET nothing is told, and there is no watchdog', () => {
  const notifier = openNotifier({ WATCHDOG_USEC: '3000000' }, never, never);
  useAll(notifier);
  assert.equal(notifier.watchdogEvery, null);
});

test('systemd hears each word in the form that sd_notify(3) asks for', { skip: whyNoPackage() }, async (t) => {
  const { path, messages, until } = await listen(t);
  const before = now();
  useAll(openNotifier({ NOTIFY_SOCKET: path }, never, never));
  await until(/STOPPING/);
  assert.deepEqual(
    messages.map((message) => message.replace(/MONOTONIC_USEC=\d+/, 'MONOTONIC_USEC=…')),
    [
      'READY=1',
      'RELOADING=1\nMONOTONIC_USEC=…',
      'STATUS=one READY=1  two',
      'EXTEND_TIMEOUT_USEC=1500250',
      'WATCHDOG=1',
      'STOPPING=1',
    ],
  );
  const at = BigInt(/MONOTONIC_USEC=(\d+)/.exec(messages[1] ?? '')?.[1] ?? 0);
  assert.ok(before <= at && at <= now(), 'on the clock of CLOCK_MONOTONIC, between before and after');
});

test('a status is sent only when it is another one, and none is longer than systemd reads', async (t) => {
  if (noSocket) return t.skip(noSocket);
  const { path, messages, until } = await listen(t);
  const notifier = openNotifier({ NOTIFY_SOCKET: path }, () => {}, spareNotify);
  for (const text of ['a', 'a', 'a\n', 'b', 'a', '€'.repeat(5000)]) notifier.status(text);
  notifier.stopping();
  await until(/STOPPING/);
  const [long = '', ...others] = messages.filter((message) => message.startsWith('STATUS=')).reverse();
  assert.deepEqual(others.reverse(), ['STATUS=a', 'STATUS=b', 'STATUS=a']);
  assert.match(long, /^STATUS=€+…$/);
  assert.ok(Buffer.byteLength(long) < 4096, `${Buffer.byteLength(long)} bytes`);
});

/** notify.js as it is compiled, in a folder where the package is not, or is not whole. */
async function openerWith(t: TestContext, sdNotify: string | null): Promise<Opener> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-notifier-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const compiled = fileURLToPath(new URL('../../../src', import.meta.url));
  for (const file of ['systemd/notify.js', 'errors.js']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(compiled, file), join(folder, file));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  if (sdNotify !== null) {
    mkdirSync(join(folder, 'node_modules/sd-notify'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/sd-notify/index.js'), "module.exports = require('./notify.node')");
    writeFileSync(join(folder, 'node_modules/sd-notify/notify.node'), sdNotify);
  }
  const { openNotifier } = (await import(pathToFileURL(join(folder, 'systemd/notify.js')).href)) as {
    openNotifier: Opener;
  };
  return openNotifier;
}

for (const [what, addon, why] of [
  ['is not there', null, /^sd-notify cannot be loaded \(Cannot find module 'sd-notify'\), and is not needed/],
  [
    'does not fit this Node',
    'built for another',
    /^sd-notify cannot be loaded \(.*notify\.node.*\), and is not needed/,
  ],
] as const) {
  test(`where the package ${what}, systemd hears the same, and one line says so`, { skip: noSocket }, async (t) => {
    const open = await openerWith(t, addon);
    const { path, messages, until } = await listen(t);
    const told: Told = [];
    useAll(open({ NOTIFY_SOCKET: path }, (...said) => told.push(said), spareNotify));
    await until(/STOPPING/);
    assert.equal(messages[0], 'READY=1');
    assert.equal(messages[2], 'STATUS=one READY=1  two');
    assert.equal(messages.length, 6);
    assert.equal(told.length, 1);
    assert.equal(told[0]?.[0], 'info');
    assert.match(told[0]?.[1] ?? '', why);
  });
}

test('where there is no way to speak, that is an error, and no call throws', async (t) => {
  const open = await openerWith(t, null);
  const told: Told = [];
  const notifier = open({ NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '3000000' }, (...said) => told.push(said));
  useAll(notifier);
  assert.equal(notifier.watchdogEvery, null);
  assert.deepEqual(
    told.map(([level]) => level),
    ['error'],
  );
  assert.match(told[0]?.[1] ?? '', /TimeoutStartSec= is over; Type=exec/);
});

test('what systemd does not take is told once, and no call throws', async (t) => {
  const open = await openerWith(t, null);
  process.env.NOTIFY_SOCKET = join(tmpdir(), 'fate-nobody-listens-here');
  t.after(() => {
    delete process.env.NOTIFY_SOCKET;
  });
  const told: Told = [];
  const notifier = open({ NOTIFY_SOCKET: process.env.NOTIFY_SOCKET }, (...said) => told.push(said), spareNotify);
  told.length = 0;
  useAll(notifier);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.[0], 'error');
  const why =
    /^systemd cannot be told that this is ready \(ENOENT: no such file or directory, sd_notify\): .* Type=exec/;
  assert.match(told[0]?.[1] ?? '', why);

  const later: Told = [];
  const other = open({ NOTIFY_SOCKET: process.env.NOTIFY_SOCKET }, (...said) => later.push(said), spareNotify);
  later.length = 0;
  other.watchdog();
  useAll(other);
  assert.deepEqual(
    later.map(([level]) => level),
    ['warning', 'error'],
    'what a unit cannot do without is told, whatever was told before',
  );
  assert.equal(later[0]?.[1], 'systemd cannot be told: ENOENT: no such file or directory, sd_notify');
});

test('of the sockets that systemd may name, those that cannot be reached from here are told', () => {
  for (const [name, code] of [
    ['vsock:2:1234', 'EAFNOSUPPORT'],
    ['@', 'EAFNOSUPPORT'],
    [`/${'n'.repeat(107)}`, 'ENAMETOOLONG'],
    ['@fate-nobody-listens-here', 'ECONNREFUSED'],
  ] as const) {
    process.env.NOTIFY_SOCKET = name;
    try {
      assert.throws(() => spareNotify('READY=1'), { code, syscall: 'sd_notify' }, name);
    } finally {
      delete process.env.NOTIFY_SOCKET;
    }
  }
  spareNotify('READY=1');
});

test('the watchdog is fed each third of its time, by the process that it is for', () => {
  const every = (env: Record<string, string>): number | null =>
    openNotifier(
      { NOTIFY_SOCKET: '/nowhere', ...env },
      () => {},
      () => {},
    ).watchdogEvery;
  assert.equal(every({ WATCHDOG_USEC: '90000000' }), 30_000);
  assert.equal(every({ WATCHDOG_USEC: '90000000', WATCHDOG_PID: String(process.pid) }), 30_000);
  assert.equal(every({ WATCHDOG_USEC: '90000000', WATCHDOG_PID: String(process.ppid) }), null);
  assert.equal(every({ WATCHDOG_PID: String(process.pid) }), null);
  for (const nothing of ['', '0', '-1', '3 s']) assert.equal(every({ WATCHDOG_USEC: nothing }), null);
});
