/** The load of the soak: many tasks due each second that do next to nothing, a few of which leave something to be cleared. */

/** `path.keep.count` of the tasks with results. */
export const KEPT_RESULTS = 3;

/** Of fifty tasks, these do more than end well; few have results, since each costs several syncs of the disk. */
function work(number: number): string {
  switch (number % 50) {
    case 0:
      return `exec = ["echo", "a result"]\npath.keep.count = ${KEPT_RESULTS}`;
    case 1:
    case 11:
    case 21:
      return 'shell = "read -r n <&3; echo $((n + 1)) >&4"';
    case 2:
    case 12:
    case 22:
      return 'shell = "echo out; echo err >&2; exit 1"';
    case 3:
    case 13:
    case 23:
      return 'exec = ["true"]\nif = "due.second % 2 == 0"';
    default:
      return 'exec = ["true"]';
  }
}

/**
 * @param kept what the ledger keeps of each task of each kind: good, not good, not run (SPEC 12)
 * @param log a file for Fate's own log, which is rotated
 */
export function configurationFiles(tasks: number, kept: number, log: string): Readonly<Record<string, string>> {
  const names = Array.from({ length: tasks }, (_, number) => `task-${number}`);
  return {
    'tasks.toml': names.map((name, number) => `[${name}]\nschedule = "@every 1s"\n${work(number)}\n`).join('\n'),
    'defaults.toml': [
      `history = { max_runs = ${kept}, max_failures = ${kept} }`,
      'scheduling.tenancy = 16',
      `path.log = ["/dev/stderr", { file = ${JSON.stringify(log)}, rotation = "1MiB", retention = 2 }]`,
      '',
    ].join('\n'),
  };
}
