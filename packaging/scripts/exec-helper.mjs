// Compiles the exec helper, src/native/exec.c: `node exec-helper.mjs FOLDER` makes FOLDER/fate-exec. Linked statically, so that it
// starts in half the time, and so that no LD_PRELOAD of a task's environment is followed before the task's user is taken. Where
// that cannot be done (no compiler, no static C library) it says so, and what it costs, and is no error: Fate runs without.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, exit, pid } from 'node:process';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../src/native/exec.c', import.meta.url));
const compiler = env.CC || 'cc';
const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-s'];

/** @returns what the compiler said against it; null when it was made */
export function buildExecHelper(folder) {
  mkdirSync(folder, { recursive: true });
  const made = join(folder, `.fate-exec-${pid}`);
  let why = '';
  for (const linking of ['-static-pie', '-static']) {
    const { status, error, stderr } = spawnSync(compiler, [...flags, linking, '-o', made, source], {
      encoding: 'utf8',
    });
    if (status === 0) {
      chmodSync(made, 0o755);
      renameSync(made, join(folder, 'fate-exec'));
      return null;
    }
    why = error ? `${compiler}: ${error.message}` : stderr.trim();
  }
  rmSync(made, { force: true });
  return why;
}

/** For people who build. */
export function buildExecHelperOrSay(folder) {
  const why = buildExecHelper(folder);
  if (why === null) return;
  process.stderr.write(`${why}
The exec helper (fate-exec) is left out, since it cannot be compiled: that takes a C compiler and the static C library (Debian's
packages gcc and libc6-dev). Tasks with cwd, user, group, umask, nice or limits are then started through sh, nice and setpriv:
slower, and a program that cannot be run looks like one that exits with 127. Every other task gets the scheduler's own limit of
open files. docs/execution.md, "The exec helper", says it all.
`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (argv.length !== 3) {
    process.stderr.write('usage: exec-helper.mjs FOLDER\n');
    exit(2);
  }
  buildExecHelperOrSay(argv[2]);
}
