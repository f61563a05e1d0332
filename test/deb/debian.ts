/**
 * The package on one release of Debian, from its install to its purge. What takes long is for `make test-deb`, which sets
 * FATE_LONG=1.
 */
import { describe } from 'node:test';
import { RELEASES, type Suite, whyNot } from '../system/root-folder.ts';
import type { Theme } from './deb-box.ts';
import { whyNoPackage } from './package.ts';
import { administrator } from './scenarios/administrator.ts';
import { downgrading } from './scenarios/downgrading.ts';
import { extras } from './scenarios/extras.ts';
import { firstDay } from './scenarios/first-day.ts';
import { installing } from './scenarios/installing.ts';
import { otherPackages } from './scenarios/other-packages.ts';
import { removing } from './scenarios/removing.ts';
import { upgrading } from './scenarios/upgrading.ts';

export async function onDebian(suite: Suite): Promise<void> {
  const why = whyNoPackage() ?? (await whyNot(suite, 'systemd-nspawn', 'dpkg-deb', 'chroot', 'unshare'));
  describe(`the package on ${RELEASES[suite].name}`, { skip: why ?? false }, () => {
    const noLong = process.env.FATE_LONG ? null : 'a long one: make test-deb';
    const theme: Theme = { suite, noLong };
    for (const scenarios of [
      firstDay,
      installing,
      upgrading,
      downgrading,
      removing,
      otherPackages,
      extras,
      administrator,
    ]) {
      scenarios(theme);
    }
  });
}
