// Compiles the exec helper, src/native/exec.c: `node exec-helper.mjs FOLDER [ARCH...]` makes FOLDER/fate-exec-ARCH for each
// ARCH, which is a process.arch of Node; by default this machine's. Linked statically, so that it starts in half the time,
// and so that no LD_PRELOAD of a task's environment is followed before the task's user is taken. Where that cannot be done
// (no compiler, no static C library) it says so, and what it costs, and is no error: Fate runs without.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, exit, arch as ownArch, pid } from 'node:process';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../src/native/exec.c', import.meta.url));
const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-s'];
// e_machine of elf(5), and what Debian calls the compilers.
const MACHINES = {
  x64: { machine: 62, compiler: 'x86_64-linux-gnu-gcc', packages: 'gcc-x86-64-linux-gnu and libc6-dev-amd64-cross' },
  arm64: {
    machine: 183,
    compiler: 'aarch64-linux-gnu-gcc',
    packages: 'gcc-aarch64-linux-gnu and libc6-dev-arm64-cross',
  },
};

/** @returns the name of the file in dist/ and in build/src/native/ */
export function execHelperName(arch = ownArch) {
  return `fate-exec-${arch}`;
}

/** $CC where it is set and makes programs for that machine, else the compiler for it. @returns what was said against it; null when it was made */
export function buildExecHelper(folder, arch = ownArch) {
  if (arch !== ownArch && !(arch in MACHINES)) return `no compiler is known for ${arch}`;
  mkdirSync(folder, { recursive: true });
  const made = join(folder, `.${execHelperName(arch)}-${pid}`);
  const usual = arch === ownArch ? 'cc' : MACHINES[arch]?.compiler;
  const compilers = [env.CC, usual].filter(Boolean);
  const said = [];
  try {
    for (const compiler of compilers) {
      const why = compile(compiler, made, arch);
      if (why === null) {
        chmodSync(made, 0o755);
        renameSync(made, join(folder, execHelperName(arch)));
        return null;
      }
      said.push(why);
    }
  } finally {
    rmSync(made, { force: true });
  }
  return said.join('\n');
}

function compile(compiler, made, arch) {
  const [program, ...words] = compiler.trim().split(/\s+/);
  let why = '';
  for (const linking of ['-static-pie', '-static']) {
    const { status, error, stderr } = spawnSync(program, [...words, ...flags, linking, '-o', made, source], {
      encoding: 'utf8',
    });
    if (status === 0) return isFor(made, arch) ? null : `${compiler} makes programs for another machine than ${arch}`;
    why = error ? `${compiler}: ${error.message}` : stderr.trim();
  }
  return why;
}

/** Of the machines that are known here. */
function isFor(file, arch) {
  const known = MACHINES[arch];
  if (known === undefined) return true;
  const fd = openSync(file, 'r');
  try {
    const header = Buffer.alloc(20);
    readSync(fd, header, 0, header.length, 0);
    return header.readUInt16LE(18) === known.machine;
  } finally {
    closeSync(fd);
  }
}

/** For people who build. */
export function buildExecHelperOrSay(folder, arch = ownArch) {
  const why = buildExecHelper(folder, arch);
  if (why === null) return;
  const packages = arch === ownArch ? 'gcc and libc6-dev' : (MACHINES[arch]?.packages ?? 'a cross compiler for it');
  process.stderr.write(`${why}
The exec helper for ${arch} (${execHelperName(arch)}) is left out, since it cannot be compiled: that takes a C compiler and the
static C library (Debian's packages ${packages}). There, tasks with cwd, user, group, umask, nice or limits
are then started through sh, nice and setpriv: slower, and a program that cannot be run looks like one that exits with 127.
Every other task gets the scheduler's own limit of open files. docs/execution.md, "The exec helper", says it all.
`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (argv.length < 3) {
    process.stderr.write('usage: exec-helper.mjs FOLDER [ARCH...]\n');
    exit(2);
  }
  for (const arch of argv.length > 3 ? argv.slice(3) : [ownArch]) buildExecHelperOrSay(argv[2], arch);
}
