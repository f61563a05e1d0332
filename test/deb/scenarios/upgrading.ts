/** A later package, or the same again, over the one that is installed. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { EVERY_SECOND, NEVER, type RunRecord } from '../../system/fate-box.ts';
import { type DebBox, scenario, type Theme } from '../deb-box.ts';
import { LATER, laterPackage, packageFile, THIS } from '../package.ts';

/** With a task that is due every so many seconds. */
const tasks = (period: number): string => `
[each]
schedule = "${period === 1 ? EVERY_SECOND : `*/${period} * * * * *`}"
shell = "true"
[long]
schedule = "${NEVER}"
shell = '''
echo ready >&2
until [ -e /var/tmp/go-on ]; do sleep 0.1; done
echo '{"long": true}'
'''
`;

/** Each due time from the first to the last has one record: a run, or one that tells why there is none. */
function assertNoneIsLost(runs: readonly RunRecord[], period: number, least = 3): void {
  const spans = runs
    .map(({ due, first, count }) => ({ from: Date.parse(String(first)), to: Date.parse(String(due)), count }))
    .sort((a, b) => a.to - b.to);
  assert.ok(spans.length >= least, `${spans.length} runs`);
  for (const [i, { from, to, count }] of spans.entries()) {
    const before = spans[i - 1];
    assert.equal(count, (to - from) / (period * 1000) + 1, JSON.stringify(spans[i]));
    if (before !== undefined) assert.equal(from, before.to + period * 1000, JSON.stringify(spans.slice(i - 1, i + 1)));
  }
}

interface Running {
  /** What it has loaded. */
  readonly version: string;
  /** When it began. */
  readonly since: string;
}

async function daemon(fate: DebBox): Promise<Running> {
  return JSON.parse(await fate.sh('fate status --json')) as Running;
}

interface Busy {
  /** Process ids. */
  readonly daemon: string;
  readonly task: number;
  /** When the daemon began. */
  readonly since: string;
  readonly period: number;
}

/** A run of `long` goes on. */
async function busy(fate: DebBox, period: number): Promise<Busy> {
  await fate.start(tasks(period));
  await fate.sh('fate run long');
  await fate.told('FATE_TASK=long', 'MESSAGE=ready');
  const [record] = await fate.told('FATE_TASK=long', 'FATE_EVENT=started');
  const [, pid] = /pid (\d+)/.exec(record?.MESSAGE ?? '') ?? [];
  return { daemon: await fate.show('MainPID'), since: (await daemon(fate)).since, task: Number(pid), period };
}

/** After another package was installed: the old daemon and its task are untouched, and the new one follows when all has ended. */
async function followsWhenIdle(fate: DebBox, before: Busy, next: string): Promise<void> {
  assert.equal(await fate.show('MainPID'), before.daemon);
  const [going] = await fate.runs('long');
  assert.deepEqual([going?.phase, going?.pid], ['started', before.task], JSON.stringify(going));
  const count = (await fate.runs('each')).length;
  await fate.waitFor(`test "$(fate runs each -n all --json | grep -c '"run":')" -gt ${count + 1}`, 30);
  await fate.sh('touch /var/tmp/go-on');
  const [long] = await fate.ended('long');
  assert.deepEqual([long?.status, long?.attempt], ['OK', 1], JSON.stringify(long));
  // A daemon that has something to do each second waits a minute for a better moment.
  const since = `fate status --json | sed -n 's/^  "since": "\\(.*\\)",$/\\1/p'`;
  await fate.waitFor(`since=$(${since}); test -n "$since" -a "$since" != ${before.since}`, 120);
  assert.equal((await daemon(fate)).version, next);
  const restarts = await fate.journal('FATE_EVENT=restart');
  assert.match(restarts.at(-1)?.MESSAGE ?? '', new RegExp(`starts anew as fated ${next}$`));
  assert.equal(await fate.show('MainPID'), before.daemon, 'systemd has not started another one');
  assert.equal(await fate.show('NRestarts'), '0');
  assert.equal(await fate.state('is-active'), 'active');
  const then = (await fate.runs('each')).length;
  await fate.waitFor(`test "$(fate runs each -n all --json | grep -c '"run":')" -gt ${then + 2}`, 30);
  assertNoneIsLost(await fate.runs('each'), before.period);
  assert.equal((await fate.runs('long')).length, 1);
  assert.match(await fate.sh('cat /var/log/fate/result/result-*-long.json'), /long/);
  assert.equal(await fate.sh('journalctl -q -u fated -p err -o cat'), '');
}

export function upgrading(theme: Theme): void {
  const running = 'an upgrade leaves a running task alone, and the daemon starts anew by itself when it is idle';
  const busier = 'the same where something is due every second';
  for (const [name, needs, period] of [
    [running, { short: true }, 3],
    [busier, {}, 1],
  ] as const) {
    scenario(theme, name, needs, async (fate) => {
      await fate.install();
      const before = await busy(fate, period);
      assert.equal((await daemon(fate)).version, THIS.fate);
      await fate.install(await laterPackage());
      assert.equal((await daemon(fate)).version, THIS.fate, 'what runs is the old one');
      assert.match(await fate.sh('fate --version'), new RegExp(`${LATER.fate}$`));
      await followsWhenIdle(fate, before, LATER.fate);
    });
  }

  scenario(theme, 'the same package installed again leaves a running task alone, too', {}, async (fate) => {
    await fate.install();
    const before = await busy(fate, 3);
    await fate.apt('install', '--reinstall', `/srv/${basename(packageFile())}`);
    await followsWhenIdle(fate, before, THIS.fate);
  });

  scenario(theme, 'an upgrade under an idle daemon is done at once', {}, async (fate) => {
    await fate.install();
    await fate.start(`[idle]\nschedule = "${NEVER}"\nshell = "true"\n`);
    const pid = await fate.show('MainPID');
    await fate.install(await laterPackage());
    await fate.waitFor(`fate status --json | grep -q '"version": "${LATER.fate}"'`);
    assert.equal(await fate.show('MainPID'), pid);
  });

  scenario(theme, 'an upgrade where nothing is configured leaves it so', {}, async (fate) => {
    await fate.install();
    await fate.install(await laterPackage());
    assert.deepEqual([await fate.state('is-enabled'), await fate.state('is-active')], ['enabled', 'inactive']);
    assert.equal(await fate.sh('systemctl is-system-running'), 'running');
    await fate.start(tasks(1));
    assert.equal((await daemon(fate)).version, LATER.fate);
  });

  const kept: readonly (readonly [string, string, readonly [string, string]])[] = [
    ['masked', 'systemctl mask --now fated', ['masked', 'inactive']],
    ['disabled and stopped', 'systemctl disable --now fated', ['disabled', 'inactive']],
    ['disabled, and runs', 'systemctl disable fated', ['disabled', 'active']],
    ['stopped', 'systemctl stop fated', ['enabled', 'inactive']],
  ];
  for (const [what, command, states] of kept) {
    scenario(theme, `an upgrade where the unit is ${what} leaves it so`, {}, async (fate) => {
      await fate.install();
      await fate.start(tasks(1));
      await fate.sh(command);
      await fate.install(await laterPackage());
      assert.deepEqual([await fate.state('is-enabled'), await fate.state('is-active')], states);
      if (what === 'masked') await fate.sh('systemctl unmask fated');
      await fate.sh('systemctl restart fated');
      assert.equal((await daemon(fate)).version, LATER.fate);
      await fate.told('FATE_TASK=each', 'FATE_EVENT=ended');
      assertNoneIsLost(await fate.runs('each'), 1, 1);
    });
  }
}
