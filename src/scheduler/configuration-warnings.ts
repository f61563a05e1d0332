/** What of a configuration this scheduler cannot give its tasks, told in the log when one is taken into use. */
import { formatProblem } from '../conf/problems.ts';
import type { ContextParts } from '../execution/context.ts';
import type { Configuration, ControlGroups, Level, LogEvent, LogFields, Problem } from '../types.ts';
import { contextWarnings } from './context-warnings.ts';
import { limitWarnings } from './limit-warnings.ts';

export interface WarningParts {
  readonly context: ContextParts;
  readonly groups: ControlGroups | null;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

/** Goes on beside the caller: files may be on a server that does not answer. */
export function tellWarnings(configuration: Configuration, { context, groups, log }: WarningParts): void {
  const warn = (warnings: readonly Problem[]): void => {
    for (const warning of warnings) log('warning', 'config', { msg: formatProblem(warning), task: warning.task });
  };
  // Where there are groups, what they lack is said when a run needs it.
  warn(groups === null || !configuration.controlGroups ? limitWarnings(configuration, null) : []);
  void contextWarnings(configuration, context).then(warn);
}
