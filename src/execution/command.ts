/**
 * What is run: renders a task's command and finds its program. Promises that whatever is wrong is told in a sentence that names
 * what was looked for and where.
 */
import { resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Scope, Task, Template } from '../types.ts';
import { DEFAULT_PATH, type Env } from './environment.ts';
import { whyNotRunnable } from './failure.ts';

export type Resolved =
  /** `program` is the file to run, `argv[0]` its name as it was configured (SPEC 7). */
  | { readonly ok: true; readonly program: string; readonly argv: string[] }
  | { readonly ok: false; readonly message: string };

/** What runs a `shell` script; of several the first that is there. */
export const INTERPRETERS = { sh: ['sh'], bash: ['bash'], python: ['python3', 'python'] } as const;

/** Where the programs of a run are looked for. */
interface Place {
  readonly path: string | undefined;
  /** Null: the scheduler's. */
  readonly cwd: string | null;
}

/**
 * The argv of a run, templates rendered; argv[0] found on the PATH of `env` where it holds no `/`, else below `cwd` (null: the
 * scheduler's), where it is relative. A template that throws and a program that is not there or not executable are
 * `ok: false` (SPEC 7, `Failed`).
 * @param env the run's own, whole
 */
export function resolveCommand(task: Task, scope: Scope, env: Env, cwd: string | null): Resolved {
  const { command } = task;
  const place: Place = { path: env.PATH, cwd };
  try {
    switch (command.kind) {
      case 'exec': {
        const argv = command.argv.map((template, at) => render(template, scope, `item ${at + 1} of exec`));
        if ((argv[0] ?? '') === '') return { ok: false, message: 'item 1 of exec names no program: it is empty' };
        return withProgram([argv[0] ?? ''], argv.slice(1), place);
      }
      case 'shell': {
        const script = render(command.script, scope, 'the script of shell');
        return withProgram(INTERPRETERS[command.executable], ['-c', script], place);
      }
      case 'command':
        return withProgram([command.program], [], place);
    }
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** @throws Error that begins with `what` */
export function render(template: Template, scope: Scope, what: string): string {
  try {
    return template.render(scope);
  } catch (error) {
    throw new Error(`${what} cannot be rendered: ${messageOf(error)}`, { cause: error });
  }
}

function withProgram(names: readonly string[], args: readonly string[], place: Place): Resolved {
  for (const name of names) {
    const program = findProgram(name, place.path, place.cwd);
    if (program !== null) return { ok: true, program, argv: [name, ...args] };
  }
  return { ok: false, message: whyNotFound(names, place) };
}

/**
 * The file that `name` runs, or null: as execvp(3) looks for it in the folders of `path` (the default where that is
 * unset or empty), or `name` itself where it holds a `/`. Only regular files that this user may execute count. Empty
 * items of `path`, which would mean the current folder, are passed over. What is relative is below `cwd` (null: ours).
 */
export function findProgram(name: string, path: string | undefined, cwd: string | null = null): string | null {
  return candidates(name, { path, cwd }).find((file) => whyNotRunnable(file) === null) ?? null;
}

function candidates(name: string, { path, cwd }: Place): string[] {
  if (name === '') return [];
  if (name.includes('/')) return [cwd === null ? name : resolve(cwd, name)];
  return foldersOf(path).map((folder) => resolve(cwd ?? '', folder, name));
}

function foldersOf(path: string | undefined): string[] {
  return (path || DEFAULT_PATH).split(':').filter((folder) => folder !== '');
}

function whyNotFound(names: readonly string[], place: Place): string {
  const near = names
    .flatMap((name) => candidates(name, place))
    .map(whyNotRunnable)
    .filter((why) => why !== null);
  const named = names.length === 1 && names[0]?.includes('/') === true;
  if (named) return near[0] ?? `${names[0]} cannot be run`;
  const there = near.find((why) => !why.endsWith('does not exist'));
  const where = `in ${foldersOf(place.path).join(':')} (${place.path ? 'PATH' : 'there is no PATH'})`;
  return `no program ${names.join(' or ')} ${where}${there === undefined ? '' : `; ${there}`}`;
}
