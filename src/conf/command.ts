/** What a task runs: `exec`, `shell`, `command` or its name (SPEC 3.1). For resolve. Pure: what is a file comes in. */
import { messageOf } from '../errors.ts';
import type { Command, Template } from '../types.ts';
import type { Style } from './document.ts';
import type { Issue } from './issues.ts';
import { alternatives, type KeyPath, mismatch } from './problems.ts';
import type { TaskInput } from './schema.ts';
import { literalOf, templateParts } from './template-parts.ts';

export interface CommandContext {
  /** Whether a program of this name is there, for names with white space. */
  isFile(name: string): boolean;
  template(source: string): Template;
}

export interface Reporter {
  /** How hints are written. */
  readonly style: Style;
  report(issue: Issue): void;
}

type Keys = Pick<TaskInput, 'exec' | 'shell' | 'command'>;

const KEYS = ['exec', 'shell', 'command'] as const;

/**
 * Reports what is wrong; the answer counts only where nothing was.
 * @param task its name, and all that is written of it, while `input` has only what the schema accepts
 */
export function commandOf(
  task: { name: string; written: object },
  input: Keys,
  context: CommandContext,
  to: Reporter,
): Command {
  const given = KEYS.filter((key) => Object.hasOwn(task.written, key));
  for (const key of given.slice(1)) {
    const message = `expected only one of ${alternatives(given).replace(' or ', ' and ')}, found ${given.length > 2 ? 'all' : 'both'}`;
    to.report({ path: [key], at: 'key', message });
  }
  if (input.exec !== undefined) return execOf(input.exec, context, to);
  if (input.shell !== undefined) return shellOf(input.shell, context, to);
  if (input.command !== undefined) return programOf(input.command, to);
  return Object.freeze({ kind: 'command', program: `fate-${task.name}` });
}

function execOf(exec: NonNullable<Keys['exec']>, context: CommandContext, to: Reporter): Command {
  const items = typeof exec === 'string' ? [exec] : exec;
  const at = (index: number) => (typeof exec === 'string' ? ['exec'] : ['exec', index]);
  const argv = items.map((item, index) => compiled(item, at(index), context, to));
  if (items[0]?.trim() === '') {
    to.report({ path: at(0), at: 'value', message: mismatch('a program', items[0]) });
  }
  if (typeof exec === 'string' && splits(exec) && !(literalOf(exec) === exec && context.isFile(exec))) {
    const message = mismatch('one program or a list', exec, `write ${instead(exec, to.style)}`);
    to.report({ path: ['exec'], at: 'value', message });
  }
  return Object.freeze({ kind: 'exec', argv: Object.freeze(argv) });
}

/** Whether there is white space outside of template tags. */
function splits(text: string): boolean {
  try {
    return templateParts(text).some((part) => part.kind === 'text' && /\s/.test(part.text));
  } catch {
    // The template itself is at fault, which is said elsewhere.
    return false;
  }
}

/** The two ways to write what was meant by a whole command line. */
function instead(line: string, style: Style): string {
  const is = style === 'toml' ? ' = ' : ': ';
  const shell = `shell${is}${JSON.stringify(line)}`;
  // What a shell would do with quotes, variables and the like is not done to a list.
  if (/["'`$|&;<>()*?\\~#[\]{}!]/.test(line)) return shell;
  const list = line
    .trim()
    .split(/\s+/)
    .map((word) => JSON.stringify(word));
  return `exec${is}[${list.join(', ')}] or ${shell}`;
}

function shellOf(shell: NonNullable<Keys['shell']>, context: CommandContext, to: Reporter): Command {
  if (typeof shell === 'string') {
    return Object.freeze({ kind: 'shell', executable: 'sh', script: compiled(shell, ['shell'], context, to) });
  }
  const script = compiled(shell.script, ['shell', 'script'], context, to);
  return Object.freeze({ kind: 'shell', executable: shell.executable ?? 'sh', script });
}

function programOf(command: string, to: Reporter): Command {
  const path = ['command'];
  if (/[\s/]/.test(command)) {
    const message = mismatch('the name of one program', command, `write ${instead(command, to.style)}`);
    to.report({ path, at: 'value', message });
  } else if (/<%|\0/.test(command)) {
    const message = mismatch('the name of one program', command, 'templates stand in exec and shell');
    to.report({ path, at: 'value', message });
  }
  return Object.freeze({ kind: 'command', program: `fate-${command}` });
}

function compiled(source: string, path: KeyPath, context: CommandContext, to: Reporter): Template {
  try {
    return context.template(source);
  } catch (thrown) {
    to.report({ path, at: 'value', message: messageOf(thrown) });
    return NOTHING;
  }
}

const NOTHING: Template = Object.freeze({ source: '', render: () => '' });
