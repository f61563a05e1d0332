/** Every scenario, one after the other, on one booted release of Debian. */
import { after, before, describe } from 'node:test';
import { type FateBox, makeFateBox } from './fate-box.ts';
import { RELEASES, type Suite, whyNot } from './root-folder.ts';
import { context } from './scenarios/context.ts';
import { control } from './scenarios/control.ts';
import { droppingIn } from './scenarios/dropping-in.ts';
import { groups } from './scenarios/groups.ts';
import { journal } from './scenarios/journal.ts';
import { limits } from './scenarios/limits.ts';
import { rebooting } from './scenarios/rebooting.ts';
import { reloading } from './scenarios/reloading.ts';
import { starting } from './scenarios/starting.ts';
import { stopping } from './scenarios/stopping.ts';
import { upgrading } from './scenarios/upgrading.ts';
import { userInstance } from './scenarios/user-instance.ts';
import { watchdog } from './scenarios/watchdog.ts';

export async function onDebian(suite: Suite): Promise<void> {
  const why = await whyNot(suite, 'systemd-nspawn');
  describe(RELEASES[suite].name, { skip: why ?? false }, () => {
    let made: FateBox | null = null;
    const box = (): FateBox => {
      if (made === null) throw new Error('it was not booted');
      return made;
    };
    before(
      async () => {
        made = await makeFateBox(suite);
        await made.install();
        await made.boot();
      },
      { timeout: 400_000 },
    );
    after(() => made?.remove(), { timeout: 60_000 });

    const themes = [starting, reloading, stopping, watchdog, groups, limits, journal, context, control];
    for (const theme of [...themes, droppingIn, upgrading, userInstance, rebooting]) theme(box);
  });
}
