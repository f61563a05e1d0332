/** `fate resume`: ends a pause (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface ResumeArguments extends CommonArguments {
  readonly task: string;
}

export function resumeCommand(done: (status: number) => void): CommandModule<object, ResumeArguments> {
  return {
    command: 'resume <task>',
    describe: 'end the pause of a task',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', demandOption: true, describe: 'its name' })
        .example('$0 resume backup', 'the task backup runs again when it is due') as never,
    handler: async (args) => {
      const { resumeTask } = await import('../pausing.ts');
      done(await resumeTask(args));
    },
  };
}
