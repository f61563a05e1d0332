/**
 * A booted machine on which Fate is installed as its administrator would, and the words that the scenarios use: all of it
 * goes through `make install`, systemctl, journalctl and the programs' own commands.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { repo } from '../helpers/repo.ts';
import { type Box, makeBox } from './box.ts';
import { PATH, type Suite } from './root-folder.ts';

const run = promisify(execFile);

/** A schedule for tasks that the tests start by hand. */
export const NEVER = '0 0 29 2 *';
export const EVERY_SECOND = '* * * * * *';

export interface Conf {
  readonly tasks?: string;
  readonly defaults?: string;
  /** Of the unit's [Service] section. */
  readonly dropIn?: string;
}

/** What `fate runs --json` tells; docs/commands.md has the list. */
export interface RunRecord {
  readonly run: string;
  readonly task: string;
  readonly status: string;
  readonly phase: string;
  readonly exitcode: number | null;
  readonly ended_by: string | null;
  readonly reason: string | null;
  readonly count: number;
  readonly absent: string | null;
  readonly left: number | null;
  readonly pid: number | null;
  readonly [field: string]: unknown;
}

export type JournalRecord = Readonly<Record<string, string | undefined>>;

export interface FateBox extends Box {
  /** Installs, or upgrades, what this checkout has built. */
  install(): Promise<void>;
  /** A stopped fated with nothing but this configuration: no state, no log, no drop-in of the test before. */
  fresh(conf: Conf): Promise<void>;
  /** `fresh`, and started. */
  start(conf: Conf): Promise<void>;
  /** The configuration again, under the running daemon. */
  configure(conf: Conf): void;
  /** A property of fated.service. */
  show(name: string): Promise<string>;
  /** What the journal has since the last `fresh`: `FATE_TASK=disk`, `_SYSTEMD_UNIT=fated.service`. */
  journal(...matches: readonly string[]): Promise<JournalRecord[]>;
  /** Waits until the journal has a record; gives all there are. */
  told(...matches: readonly string[]): Promise<JournalRecord[]>;
  runs(task: string): Promise<RunRecord[]>;
  /** Waits for the process of a task that says `ready` on its standard error. */
  ready(task: string): Promise<void>;
  /** Waits for the end of a run of this task; gives its runs that ended. */
  ended(task: string): Promise<RunRecord[]>;
  /** Starts a task by hand, and waits for its end. */
  runTask(task: string): Promise<RunRecord>;
  /** How many processes have exactly this command line. */
  processes(commandLine: string): Promise<number>;
}

export async function makeFateBox(suite: Suite): Promise<FateBox> {
  const box = await makeBox(suite);
  let since = '';
  const place = (conf: Conf): void => {
    if (conf.tasks !== undefined) box.write('/etc/fate/tasks.toml', conf.tasks);
    if (conf.defaults !== undefined) box.write('/etc/fate/defaults.toml', conf.defaults);
  };
  const one = <T>(list: readonly T[], what: string): T => {
    const [first, ...more] = list;
    assert.ok(first !== undefined && more.length === 0, `${what}: ${list.length}`);
    return first;
  };
  const fated: FateBox = {
    ...box,
    install: () => install(box.root),
    async fresh(conf) {
      await box.sh(`systemctl stop fated; systemctl reset-failed fated 2>/dev/null
        rm -rf /etc/fate/* /var/lib/fate/* /var/log/fate/* /etc/systemd/system/fated.service.d/test.conf`);
      if (conf.dropIn !== undefined) {
        box.write('/etc/systemd/system/fated.service.d/test.conf', `[Service]\n${conf.dropIn}\n`);
      }
      place(conf);
      await box.sh('systemctl daemon-reload');
      since = await box.sh('journalctl --sync; date +@%s.%6N');
    },
    async start(conf) {
      await fated.fresh(conf);
      await box.sh('systemctl start fated || { systemctl status fated; exit 1; }');
    },
    configure: place,
    show: (name) => box.sh(`systemctl show -P ${name} fated`),
    journal: async (...matches) => parseJournal(await box.sh(`${journalctl(since, matches)} -o json --all`)),
    async told(...matches) {
      await box.waitFor(`${journalctl(since, matches)} -o cat | grep -q ''`);
      return fated.journal(...matches);
    },
    runs: async (task) => JSON.parse(await box.sh(`fate runs ${task} -n all --json`)) as RunRecord[],
    ready: async (task) => void (await fated.told(`FATE_TASK=${task}`, 'MESSAGE=ready')),
    async ended(task) {
      await fated.told(`FATE_TASK=${task}`, 'FATE_EVENT=ended');
      return (await fated.runs(task)).filter(({ phase }) => phase === 'ended');
    },
    async runTask(task) {
      const before = await fated.runs(task);
      await box.run(`fate run --wait ${task}`); // exits with 1 where the run was not good
      const after = await fated.runs(task);
      return one(
        after.filter(({ run: id }) => before.every((old) => old.run !== id)),
        `new runs of ${task}`,
      );
    },
    processes: async (commandLine) => Number((await box.run(`pgrep -cfx '${commandLine}'`)).stdout),
  };
  return fated;
}

/** Names a scenario; one that fails shows the end of the journal. */
export function scenario(name: string, box: () => FateBox, work: (box: FateBox) => Promise<void>): void {
  test(name, { timeout: 120_000 }, async (t) => {
    try {
      await work(box());
    } catch (error) {
      const { stdout } = await box().run(
        'systemctl status fated --no-pager -n 0; journalctl -q -n 60 --no-hostname -o short-precise',
      );
      t.diagnostic(stdout);
      throw error;
    }
  });
}

/** Not --after-cursor: before systemd 255 it skips one record too many where the cursor's does not match. */
function journalctl(since: string, matches: readonly string[]): string {
  const words = matches.map((match) => `'${match}'`).join(' ');
  return `journalctl --sync; journalctl -q --since=${since} ${words}`;
}

export const parseJournal = (lines: string): JournalRecord[] =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** `make install` into the folder, under what may run there; and the Node that its programs name, with its libraries, where there is none. */
export async function install(root: string): Promise<void> {
  await run('make', ['-C', repo, '-s', 'install', `DESTDIR=${root}`, 'PREFIX=/usr/local'], {
    env: { ...process.env, MAKEFLAGS: '' },
  });
  const node = /exec "([^"]+)"/.exec(readFileSync(join(root, 'usr/local/bin/fated'), 'utf8'))?.[1] ?? '';
  if (existsSync(join(root, node))) return;
  const linked = (await run('ldd', [node])).stdout.matchAll(/ (\/\S+) \(/g);
  for (const file of [node, ...Array.from(linked, ([, library = '']) => library)]) {
    if (existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(realpathSync(file), join(root, file));
  }
  await run('chroot', [root, node, '--version'], { env: { PATH } }).catch((error) => {
    throw new Error(`the Node of this checkout, ${node}, does not run on that Debian: ${error.stderr}`);
  });
}
