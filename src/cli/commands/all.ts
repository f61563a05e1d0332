/** The commands of `fate`, in the order in which `--help` lists them. Each imports what it needs when it is called. */
import type { CommandModule } from 'yargs';
import { checkCommand } from './check.ts';
import { controlCommand } from './control.ts';
import { debugCommand } from './debug.ts';
import { initCommand } from './init.ts';
import { killCommand } from './kill.ts';
import { listCommand } from './list.ts';
import { logsCommand } from './logs.ts';
import { nextCommand } from './next.ts';
import { pauseCommand } from './pause.ts';
import { reloadCommand } from './reload.ts';
import { restartCommand } from './restart.ts';
import { resumeCommand } from './resume.ts';
import { runCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { showCommand } from './show.ts';
import { statusCommand } from './status.ts';
import { whyCommand } from './why.ts';

/** Makes a command; what it exits with is told to `done`. */
export type MakeCommand = (done: (status: number) => void) => CommandModule<object, never>;

export const COMMANDS = [
  controlCommand,
  checkCommand,
  reloadCommand,
  statusCommand,
  listCommand,
  nextCommand,
  runsCommand,
  showCommand,
  whyCommand,
  logsCommand,
  runCommand,
  killCommand,
  pauseCommand,
  resumeCommand,
  restartCommand,
  debugCommand,
  initCommand,
] as unknown as readonly MakeCommand[];
