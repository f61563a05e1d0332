/** The real shells, asked what they offer for a line: each by its own means. For the tests of the completions. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { completionScript, type Shell } from '../../../../src/cli/completion/script.ts';
import type { Cleanup } from '../../../helpers/prefix.ts';
import { onTerminal } from '../../../helpers/pty.ts';

/** Null where it is there; else why a test is skipped. */
export function whyNot(...programs: readonly string[]): string | false {
  const missing = programs.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return missing === undefined ? false : `there is no ${missing} on this machine`;
}

export interface World {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** The text for a shell, in the file of the name that the shell looks for. */
  script(shell: Shell): string;
}

/** A folder with the scripts, some files, and on PATH a `fate` that is this shell script. */
export function makeWorld(t: Cleanup, fate: string): World {
  const root = mkdtempSync(join(tmpdir(), 'fate-completion-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['bin', 'here-folder', 'zsh']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'here-file'), '');
  writeFileSync(join(root, 'bin', 'fate'), `#!/bin/sh\n${fate}\n`);
  chmodSync(join(root, 'bin', 'fate'), 0o755);
  const env: NodeJS.ProcessEnv = {
    PATH: [join(root, 'bin'), process.env.PATH].join(delimiter),
    HOME: root,
    ZDOTDIR: root,
    LC_ALL: 'C.UTF-8',
    TERM: 'vt100',
  };
  return {
    root,
    env,
    script(shell) {
      const file = shell === 'zsh' ? join(root, 'zsh', '_fate') : join(root, `fate.${shell}`);
      writeFileSync(file, completionScript(shell));
      return file;
    },
  };
}

/** Says which lines offer which words. */
export type Asking = (world: World, lines: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>;

/** The function itself, on a line that is split as bash splits it, with what it leaves to readline put in front. What is offered for files, only readline knows. */
export const askBash: Asking = async (world, lines) => {
  const file = world.script('bash');
  return collect(lines, (line) => {
    const words: string[] = line.match(/[:=@]+|[^\s:=@]+/g) ?? [];
    if (line.endsWith(' ')) words.push('');
    const asks = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      COMP_LINE=$LINE COMP_POINT=\${#LINE}; _fate "$1"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const there = /^.*[:=](?=[^:=]*$)|^.*(?=@)|/.exec(line.slice(line.lastIndexOf(' ') + 1))?.[0] ?? '';
    return output(world, ['bash', '--norc', '-c', asks, 'bash', file, ...words], { LINE: line })
      .split('\n')
      .map((word) => (word === '' ? '' : there + word))
      .join('\n');
  });
};

export const askFish: Asking = async (world, lines) => {
  const file = world.script('fish');
  return collect(lines, (line) =>
    output(world, ['fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line])
      .split('\n')
      .map((row) => row.split('\t')[0])
      .join('\n'),
  );
};

/** By the Tab key in a shell that a person would sit at, with these start files. */
export function asksTerminal(
  argv: readonly string[],
  start: (world: World) => Readonly<Record<string, string>>,
): Asking {
  return async (world, lines) => {
    for (const [name, text] of Object.entries(start(world))) writeFileSync(join(world.root, name), text);
    const typed = lines.map((line) => `\u0015${line}\t${END}`);
    const steps = [...typed, '\u0015exit\n'].map((send, index) => ({ until: index === 0 ? PROMPT : END, send }));
    const { shown } = await onTerminal(argv, steps, { env: world.env, cwd: world.root });
    const parts = shown.slice(shown.indexOf(PROMPT) + PROMPT.length).split(END);
    return new Map(lines.map((line, index) => [line, seenWords(parts[index] ?? '', line)]));
  };
}

export const PROMPT = 'what? ';
/** Typed behind each Tab: once it is there, all before it is. In no text of ours. */
const END = '%';

/** Less what was typed; of its last word, and what the shell added to that, a whole word is made. */
function seenWords(shown: string, line: string): string[] {
  let plain = shown.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '');
  while (/[^\b]\u0008/.test(plain)) plain = plain.replaceAll(/[^\b]\u0008/g, '');
  plain = plain.replaceAll(/[\u0000-\u001f ]+/g, ' ').replaceAll(PROMPT, ' ');
  const last = line.slice(line.lastIndexOf(' ') + 1);
  return plain
    .replaceAll(line.trimEnd(), ` ${last}`)
    .split(' ')
    .filter((word) => word !== '' && word !== last);
}

function collect(lines: readonly string[], ask: (line: string) => string): Map<string, readonly string[]> {
  return new Map(
    lines.map((line) => [
      line,
      ask(line)
        .split('\n')
        .filter((word) => word !== ''),
    ]),
  );
}

/** What a shell prints. @throws where it complains */
export function output(world: World, [program = '', ...args]: readonly string[], more: NodeJS.ProcessEnv = {}): string {
  const { stdout, stderr, error } = spawnSync(program, args, {
    cwd: world.root,
    env: { ...world.env, ...more },
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (stderr !== '') throw new Error(`${program} said: ${stderr}`);
  return stdout;
}
