/**
 * A plain Debian that was really booted, for the package to be installed on as its user would, and the words that the
 * scenarios use. Each scenario has a machine of its own.
 */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type Box, makeBox } from '../system/box.ts';
import { type JournalRecord, parseJournal, type RunRecord } from '../system/fate-box.ts';
import { MIRROR, type Suite } from '../system/root-folder.ts';
import { packageFile } from './package.ts';

/** What every Debian with systemd has. The package's own dependencies must come from apt or be there. */
export const PLAIN = ['systemd', 'systemd-sysv', 'dbus'];

export interface DebBox extends Box {
  /** Runs apt as a user would; what it prints must not look like trouble. Gives it. */
  apt(...words: readonly string[]): Promise<string>;
  /** Puts a package file where apt's own user can read it; gives its path there. */
  place(file: string): string;
  /** Installs this checkout's package, or another file. */
  install(file?: string): Promise<string>;
  /** What dpkg knows of a package: `installed`, `half-configured`, `config-files`. */
  status(name: string): Promise<string>;
  /** A property of fated.service. */
  show(name: string): Promise<string>;
  /** `enabled`, `active` and the like: what systemctl answers, whatever its status. */
  state(question: 'is-enabled' | 'is-active' | 'is-failed'): Promise<string>;
  /** Writes the tasks of the system's configuration. */
  configure(tasks: string): void;
  /** Writes them, and starts the daemon. */
  start(tasks: string): Promise<void>;
  runs(task: string): Promise<RunRecord[]>;
  /** Waits for the end of a run; gives all runs of the task that ended. */
  ended(task: string): Promise<RunRecord[]>;
  journal(...matches: readonly string[]): Promise<JournalRecord[]>;
  /** Waits until the journal has a record; gives all there are. */
  told(...matches: readonly string[]): Promise<JournalRecord[]>;
}

/** Lines that a user would stop at, less those that say something else with these words. */
const TROUBLE =
  /error|fail|warn|cannot|can't|could not|unable|not found|no such|denied|refused|invalid|unknown|^[WE]: /i;
const HARMLESS = [
  /^WARNING: apt does not have a stable CLI interface/,
  /^dpkg: warning: downgrading fate /,
  /^debconf: delaying package configuration, since apt-utils is not installed$/,
  /\b(lib\w*error\w*|\w*-errors?)\b/, // names of packages
];

export function troubles(screen: string): string[] {
  return screen.split('\n').filter((line) => TROUBLE.test(line) && !HARMLESS.some((words) => words.test(line)));
}

export async function makeDebBox(suite: Suite, { network = false, packages = PLAIN } = {}): Promise<DebBox> {
  const box = await makeBox(suite, { network, packages });
  const fate: DebBox = {
    ...box,
    sh: (script, seconds) => box.sh(`set -e\n${script}`, seconds),
    async apt(...words) {
      const command = `DEBIAN_FRONTEND=noninteractive apt -y ${words.join(' ')} </dev/null`;
      const { status, stdout, stderr } = await box.run(command, 240);
      const screen = stdout + stderr;
      assert.equal(status, 0, `${command}\n${screen}`);
      assert.deepEqual(troubles(screen), [], screen);
      return screen;
    },
    place(file) {
      const path = join('/srv', basename(file));
      copyFileSync(file, join(box.root, path));
      return path;
    },
    install: (file = packageFile()) => fate.apt('install', fate.place(file)),
    status: (name) => box.sh(`dpkg-query -W -f '\${db:Status-Status}' ${name}`),
    show: (name) => box.sh(`systemctl show -P ${name} fated`),
    state: async (question) => (await box.run(`systemctl ${question} fated`)).stdout.trim(),
    configure: (tasks) => box.write('/etc/fate/tasks.toml', tasks),
    async start(tasks) {
      fate.configure(tasks);
      await fate.sh('fate --system check; systemctl start fated || { systemctl status --no-pager fated; exit 1; }');
    },
    runs: async (task) => JSON.parse(await box.sh(`fate runs ${task} -n all --json`)) as RunRecord[],
    async ended(task) {
      await fate.told(`FATE_TASK=${task}`, 'FATE_EVENT=ended');
      return (await fate.runs(task)).filter(({ phase }) => phase === 'ended');
    },
    journal: async (...matches) => parseJournal(await box.sh(`${journalctl(matches)} -o json --all`)),
    async told(...matches) {
      await box.waitFor(`${journalctl(matches)} -o cat | grep -q ''`);
      return fate.journal(...matches);
    },
  };
  return fate;
}

const journalctl = (matches: readonly string[]): string =>
  `journalctl --sync; journalctl -q ${matches.map((match) => `'${match}'`).join(' ')}`;

export interface Theme {
  readonly suite: Suite;
  /** Null, or why scenarios that take long are not tried. */
  readonly noLong: string | null;
}

export interface Needs {
  /** A short one is part of `make test`. */
  readonly short?: boolean;
  /** The network, and apt with its lists of packages. */
  readonly network?: boolean;
  /** In the root besides the plain system; fetched once, before. */
  readonly packages?: readonly string[];
  /** False: the scenario boots it itself. */
  readonly boot?: boolean;
}

/** Names a scenario, and boots a machine for it; one that fails shows the end of the journal. */
export function scenario(
  { suite, noLong }: Theme,
  name: string,
  needs: Needs,
  work: (fate: DebBox) => Promise<void>,
): void {
  const skip = needs.short === true ? false : (noLong ?? false);
  test(name, { timeout: 400_000, skip }, async (t) => {
    const { network = false, packages = [], boot = true } = needs;
    const fate = await makeDebBox(suite, { network, packages: [...PLAIN, ...packages] });
    try {
      if (boot) await fate.boot();
      if (network) {
        // What a user's machine has; debootstrap left the release alone, on this mirror.
        fate.write('/etc/apt/sources.list', `deb ${MIRROR} ${suite} main\n`);
        await fate.sh('apt-get -q update', 120);
      }
      await work(fate);
    } catch (error) {
      const journal = 'journalctl -q --no-hostname -o short-precise';
      const end = `systemctl status fated --no-pager -n 0; ${journal} -n 40 -u fated; ${journal} -n 20 -p err`;
      if (boot) t.diagnostic(await fate.run(end).then(({ stdout }) => stdout, String));
      throw error;
    } finally {
      await fate.remove();
    }
  });
}
