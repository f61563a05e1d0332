/** What the shells offer, asked themselves: commands, options, choices, files, commands of others, names of tasks. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Asking, askBash, askFish, asksTerminal, makeWorld, PROMPT, type World, whyNot } from './shells.ts';

/** A `fate` that only knows the names of tasks. */
const FATE = `[ "$1 $2" = 'list --names' ] || { echo "asked for $*" >&2; exit 1; }
case $3 in
  --system) echo of-the-system ;;
  *) printf '%s\\n' backup db:main café me@host a+b ;;
esac`;

interface Expected {
  readonly offers?: readonly string[];
  readonly not?: readonly string[];
  /** Where nobody but the terminal knows of files. */
  readonly files?: boolean;
  /** Where tcsh has no rule that could say it. */
  readonly notTcsh?: boolean;
}

const LINES: Readonly<Record<string, Expected>> = {
  'fate ru': { offers: ['run', 'runs'], not: ['status', '--json'] },
  'fate debug ': { offers: ['execute', 'run'], not: ['status', 'backup'] },
  'fate init ': { offers: ['conf', 'comp', 'serv'], not: ['status'] },
  'fate run --': { offers: ['--wait', '--json', '--system'], not: ['--status', '--foreground'] },
  'fate run --wait --': { offers: ['--json'], not: ['--wait'] },
  'fate --system run --': { offers: ['--wait'], not: ['--system', '--user'] },
  'fated --': { offers: ['--foreground', '--log-level'], not: ['--wait'] },
  'fates --': { offers: ['--fail', '--log-level'], not: ['--foreground'] },
  'fated --log-level ': { offers: ['debug', 'info', 'warning', 'error', 'critical'] },
  'fate control --log-level=w': { offers: ['warning'], not: ['debug'] },
  'fate control --scheduler ': { offers: ['tiered-tenancy'] },
  'fate init conf --format ': { offers: ['toml', 'yaml'] },
  'fate init comp --shell ': { offers: ['bash', 'zsh', 'fish', 'tcsh'] },
  'fate runs --status ': { offers: ['timeout', 'skipped'], not: ['backup'] },
  'fate runs --status error,t': { offers: ['terminated', 'timeout'], not: ['lost'], notTcsh: true },
  'fate runs -n ': { not: ['backup', 'here-file', '--json'] },
  'fate run ': { offers: ['backup', 'db:main', 'café', 'me@host', 'a+b'], not: ['here-file', 'status'] },
  'fate run b': { offers: ['backup'], not: ['café'] },
  'fate run db:': { offers: ['db:main'] },
  'fate why me@': { offers: ['me@host'] },
  'fate kill c': { offers: ['café'] },
  'fate pause a': { offers: ['a+b'] },
  'fate debug run db': { offers: ['db:main'] },
  'fate next backup ': { offers: ['café'], not: ['here-file'] },
  'fate run backup ': { not: ['café', 'db:main', 'here-file', 'status'] },
  'fate --system logs ': { offers: ['of-the-system'], not: ['backup'] },
  'fate show ': { not: ['backup', 'here-file'] },
  'fate run -- -': { not: ['--wait', '--json', 'backup'] },
  'fate run -- b': { offers: ['backup'], not: ['--wait'] },
  'fate debug execute mkfif': { offers: ['mkfifo'] },
  'fate debug execute -- mkfif': { offers: ['mkfifo'], not: ['backup'], notTcsh: true },
  'fate debug execute -- mkfifo --w': { not: ['--wait', '--json'] },
  'fate check here-f': { offers: ['here-file', 'here-folder'], files: true },
  'fate init conf here-f': { offers: ['here-folder'], not: ['here-file'], files: true },
  'fate init comp here-f': { offers: ['here-file'], files: true },
  'fate debug execute -o here-fi': { offers: ['here-file'], not: ['backup'], files: true },
};

const bashStart =
  (source: string) =>
  (world: World): Readonly<Record<string, string>> => ({
    bashrc: `PS1='${PROMPT}'; ${source}source ${world.script('bash')}
bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'`,
  });
const BASH = ['bash', '--noprofile', '--rcfile', 'bashrc', '-i'];
const PACKAGE = '/usr/share/bash-completion/bash_completion';

const SHELLS: readonly { readonly name: string; readonly skip: string | false; readonly ask: Asking }[] = [
  { name: 'bash, its function alone', skip: whyNot('bash'), ask: askBash },
  { name: 'bash at a terminal', skip: whyNot('bash', 'python3'), ask: asksTerminal(BASH, bashStart('')) },
  {
    name: 'bash at a terminal, with bash-completion',
    skip: whyNot('bash', 'python3') || (existsSync(PACKAGE) ? false : 'there is no bash-completion on this machine'),
    ask: asksTerminal(BASH, bashStart(`source ${PACKAGE}; `)),
  },
  {
    name: 'zsh at a terminal',
    skip: whyNot('zsh', 'python3'),
    ask: asksTerminal(['zsh', '-i', '-o', 'no_global_rcs'], (world) => {
      world.script('zsh');
      return {
        '.zshrc': `fpath=(${join(world.root, 'zsh')} $fpath); autoload -Uz compinit; compinit -D -u
LISTMAX=1000; unsetopt list_ambiguous; setopt nobeep; PROMPT_EOL_MARK=''; PS1='${PROMPT}'`,
      };
    }),
  },
  { name: 'fish', skip: whyNot('fish'), ask: askFish },
  {
    name: 'tcsh at a terminal',
    skip: whyNot('tcsh', 'python3', 'awk'),
    ask: asksTerminal(['tcsh', '-i'], (world) => ({
      '.tcshrc': `set prompt = '${PROMPT}'; set autolist; set nobeep; source ${world.script('tcsh')}\n`,
    })),
  },
];

/** Of a list, and behind the = of an option, some show the last word and some all that stands there. */
const offers = (words: readonly string[], wanted: string): boolean =>
  words.some((word) => word === wanted || word === `${wanted}/` || word.split(/[=,]/).at(-1) === wanted);

for (const { name, skip, ask } of SHELLS) {
  test(`${name}: offers what may stand there, and nothing else`, { skip, timeout: 60_000 }, async (t) => {
    const world = makeWorld(t, FATE);
    const lines = Object.entries(LINES).filter(
      ([, { files, notTcsh }]) => !(files && ask === askBash) && !(notTcsh && name.startsWith('tcsh')),
    );
    const offered = await ask(
      world,
      lines.map(([line]) => line),
    );
    for (const [line, expected] of lines) {
      const words = offered.get(line) ?? [];
      const shown = `${name}: ${line} offers ${words.join(' ')}`;
      for (const word of expected.offers ?? []) assert.ok(offers(words, word), `${shown}, expected ${word} too`);
      for (const word of expected.not ?? []) assert.ok(!offers(words, word), `${shown}, expected no ${word}`);
    }
  });

  test(`${name}: is quiet where there are no names to be had`, { skip, timeout: 60_000 }, async (t) => {
    const broken = makeWorld(t, 'echo broken >&2; exit 65');
    assert.deepEqual((await ask(broken, ['fate run '])).get('fate run '), [], 'with a configuration that is broken');
    const none = makeWorld(t, '');
    none.env.PATH = none.env.PATH?.replace(join(none.root, 'bin'), join(none.root, 'none'));
    assert.deepEqual((await ask(none, ['fate run '])).get('fate run '), [], 'without a fate on PATH');
  });
}
