/** The exec helper, src/native/exec.c: where it is, and how it is told what a run's process shall be. */
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProcessContext } from '../types.ts';
import { whyNotRunnable } from './failure.ts';

/** One for each kind of machine: the npm package carries several. */
const NAME = `fate-exec-${process.arch}`;

let found: { readonly file: string; readonly fd: number | null } | null | undefined;

/**
 * Its file, or null where it was not built. It lies beside the bundled programs (dist/), and where tsc put this module, in the
 * folder of its source (build/src/native/).
 */
export function execHelper(): string | null {
  if (found === undefined) {
    const folder = import.meta.url.endsWith('/execution/exec-helper.js') ? '../native/' : '';
    const file = fileURLToPath(new URL(folder + NAME, import.meta.url));
    found = whyNotRunnable(file) === null ? { file, fd: hold(file) } : null;
  }
  return found?.file ?? null;
}

/** Keeps the file for this process: an upgrade may replace it by one that is told in another way. */
function hold(file: string): number | null {
  try {
    return openSync(file, 'r');
  } catch {
    // One that may be run and not be read is run by its name.
    return null;
  }
}

/** The descriptor by which a helper is run whatever becomes of its name; null where there is none. */
export function heldHelper(file: string): number | null {
  return found?.file === file ? found.fd : null;
}

/** The argv of the helper. @param folder of the control group to be in @param argv of the program, argv[0] first */
export function helperArgv(
  context: ProcessContext,
  folder: string | null,
  program: string,
  argv: readonly string[],
): string[] {
  const { identity, cwd, umask, nice } = context;
  const options: readonly (readonly [string, string | null])[] = [
    ['-c', folder],
    ['-m', umask === null ? null : umask.toString(8)],
    ['-n', nice === null ? null : String(nice)],
    ['-G', identity === null ? null : identity.groups.join(',')],
    ['-g', identity === null ? null : String(identity.gid)],
    ['-u', identity === null ? null : String(identity.uid)],
    ['-d', cwd],
  ];
  const set = options.flatMap(([option, value]) => (value === null ? [] : [option, value]));
  return ['fate-exec', ...set, '--', program, ...argv];
}
