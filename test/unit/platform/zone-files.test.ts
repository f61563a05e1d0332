import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import type { ZoneSource } from '../../../src/types.ts';

const HOUR = 3_600_000;
const SUMMER = Date.UTC(2026, 6, 1);
const SYSTEM = '/usr/share/zoneinfo';

interface Place {
  readonly root: string;
  readonly localtime: string;
  /** Puts a zone's file there whole, as an update of tzdata does. */
  install(name: string, content?: string): void;
  source(TZ?: string): ZoneSource;
}

function place(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'fate-zones-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = join(folder, 'zoneinfo');
  const localtime = join(folder, 'localtime');
  mkdirSync(root);
  return {
    root,
    localtime,
    install: (name, content = name) => {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      copyFileSync(join(SYSTEM, content), join(root, 'new'));
      renameSync(join(root, 'new'), join(root, name));
    },
    source: (TZ) => createZoneSource({ root, localtime, env: { TZ } }),
  };
}

const offset = (source: ZoneSource, name: string | null): number => {
  const zone = source.zone(name);
  assert.ok(zone, `${name}`);
  return zone.offsetAt(SUMMER) / HOUR;
};

test('a zone comes from its file, and stays the same object until the file changes', (t) => {
  const { install, source } = place(t);
  install('Europe/Berlin');
  const zones = source();
  assert.equal(offset(zones, 'Europe/Berlin'), 2);
  assert.equal(zones.zone('Europe/Berlin')?.name, 'Europe/Berlin');
  assert.equal(zones.zone('Europe/Berlin'), zones.zone('Europe/Berlin'));
  assert.equal(zones.changed(), false);
});

test('an update of a file is seen once, and takes effect', (t) => {
  const { install, source } = place(t);
  install('Europe/Berlin');
  install('Asia/Tokyo');
  const zones = source();
  assert.deepEqual([offset(zones, 'Europe/Berlin'), offset(zones, 'Asia/Tokyo')], [2, 9]);
  install('Europe/Berlin', 'Asia/Kolkata');
  assert.equal(zones.changed(), true);
  assert.deepEqual([offset(zones, 'Europe/Berlin'), offset(zones, 'Asia/Tokyo')], [5.5, 9]);
  assert.equal(zones.changed(), false);
});

test("the system's zone is /etc/localtime, also when the link is set to another zone", (t) => {
  const { install, localtime, root, source } = place(t);
  install('Europe/Berlin');
  install('Asia/Tokyo');
  symlinkSync(join(root, 'Europe/Berlin'), localtime);
  const zones = source();
  assert.equal(offset(zones, null), 2);
  assert.equal(zones.zone(null)?.name, 'system');
  unlinkSync(localtime);
  symlinkSync(join(root, 'Asia/Tokyo'), localtime);
  assert.equal(zones.changed(), true);
  assert.equal(offset(zones, null), 9);
});

test('TZ goes before /etc/localtime, in all the forms of tzset(3)', (t) => {
  const { install, localtime, root, source } = place(t);
  install('Europe/Berlin');
  install('Asia/Tokyo');
  symlinkSync(join(root, 'Asia/Tokyo'), localtime);
  assert.equal(offset(source(), null), 9);
  assert.equal(offset(source('Europe/Berlin'), null), 2);
  assert.equal(offset(source(':Europe/Berlin'), null), 2);
  assert.equal(source('Europe/Berlin').zone(null)?.name, 'Europe/Berlin');
  assert.equal(source(`${root}/Europe/Berlin`).zone(null)?.name, 'Europe/Berlin');
  assert.equal(offset(source(`:${localtime}`), null), 9);
  assert.equal(offset(source('XYZ5:30'), null), -5.5);
  assert.equal(offset(source('CET-1CEST,M3.5.0,M10.5.0/3'), null), 2);
  assert.equal(offset(source(''), null), 0);
  assert.equal(offset(source('Not/A/Zone'), null), 0);
});

test("where there are no zone files Node's own tables serve, until there are some", (t) => {
  const { install, localtime, source } = place(t);
  symlinkSync('/nowhere/zoneinfo/Asia/Tokyo', localtime);
  const zones = source();
  assert.equal(offset(zones, 'Europe/Berlin'), 2);
  assert.equal(offset(zones, null), 9, 'the link that leads nowhere still names the zone');
  assert.equal(zones.zone(null)?.name, 'system');
  assert.equal(zones.changed(), false);
  install('Europe/Berlin', 'Asia/Kolkata');
  assert.equal(zones.changed(), true);
  assert.equal(offset(zones, 'Europe/Berlin'), 5.5);
});

test('an old name without a file of its own is read from the file of the name it stands for', (t) => {
  const { install, source } = place(t);
  install('America/New_York', 'Asia/Kolkata');
  assert.equal(offset(source(), 'US/Eastern'), 5.5);
});

test('a machine without /etc/localtime is in UTC', (t) => {
  assert.equal(offset(place(t).source(), null), 0);
});

test('a name that leads out of the folder, or to a file that is no zone, is unknown', (t) => {
  const { install, root, source } = place(t);
  install('Europe/Berlin');
  writeFileSync(join(root, 'tzdata.zi'), 'no zone');
  writeFileSync(join(root, 'leapseconds'), 'no zone');
  const zones = source();
  const names = [
    '',
    '.',
    '..',
    '../zoneinfo/Europe/Berlin',
    'Europe',
    'Europe/',
    '/etc/localtime',
    'tzdata.zi',
    'leapseconds',
  ];
  for (const name of [...names, 'Europe//Berlin', 'Mars/Olympus', '+01:00', 'a\0b'])
    assert.equal(zones.zone(name), null, name);
});

test('a file that is damaged by an update, or goes away, leaves what is known in force', (t) => {
  const { install, root, source } = place(t);
  // A name that Node's own tables do not know.
  install('Home', 'Asia/Tokyo');
  const zones = source();
  assert.equal(offset(zones, 'Home'), 9);
  writeFileSync(join(root, 'Home'), 'TZif2 cut off');
  assert.equal(zones.changed(), true);
  assert.equal(offset(zones, 'Home'), 9);
  assert.equal(zones.changed(), false);
  unlinkSync(join(root, 'Home'));
  assert.equal(zones.changed(), true);
  assert.equal(offset(zones, 'Home'), 9);
  install('Home', 'Asia/Kolkata');
  assert.equal(zones.changed(), true);
  assert.equal(offset(zones, 'Home'), 5.5);
});
