/**
 * This process as another program: execve(2). Promises a daemon that starts anew to stay the process that its service manager, its
 * terminal and its log know, with the descriptors 0 to 2 and no others, and that nothing is read from a file at that moment.
 */
import { constants as files } from 'node:fs';
import { constants } from 'node:os';
import { failed, koffi } from './libc.ts';

interface LibC {
  execve(file: string, argv: readonly (string | null)[], env: readonly (string | null)[]): number;
  fcntl(fd: number, command: number, type: 'int', value: number): number;
  signal(signal: number, handler: null): unknown;
}

/** In the environment of a program that a daemon has started in its own place: its process id, which stays the same. */
export const RESTARTED = 'FATE_RESTARTED';

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;

let bound: LibC | null = null;

/** To be called while the files that this process was started from are still there. */
export function bindImage(): LibC {
  if (bound === null) {
    const c = koffi().load(null);
    bound = {
      execve: c.func('int execve(const char *path, const char **argv, const char **envp)'),
      fcntl: c.func('int fcntl(int fd, int command, ...)'),
      signal: c.func('void *signal(int signum, void *handler)'),
    };
  }
  return bound;
}

/** The command line of this program, as it was started, with other arguments. */
export function ownProgram(...args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '', ...args];
}

/** From now on this signal ends the process at once, also where JavaScript listens to it. */
export function leaveToKernel(signal: 'SIGTERM' | 'SIGINT'): void {
  bindImage().signal(constants.signals[signal], null);
}

/**
 * Becomes the program: does not return. All other threads end, and of the descriptors only 0 to 2 stay.
 * @throws a system error of `syscall` execve; then nothing has changed
 */
export function become([file, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): never {
  const { execve, fcntl } = bindImage();
  for (const fd of [0, 1, 2]) {
    // Node closes its standard streams on exec, and makes them non-blocking for all who share them.
    fcntl(fd, F_SETFD, 'int', 0);
    const flags = fcntl(fd, F_GETFL, 'int', 0);
    if (flags >= 0) fcntl(fd, F_SETFL, 'int', flags & ~files.O_NONBLOCK);
  }
  const assignments = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
  execve(file, [file, ...args, null], [...assignments, null]);
  throw failed('execve');
}
