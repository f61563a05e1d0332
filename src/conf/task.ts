/** One task of a file, judged and resolved into its frozen record. For resolve. Pure. */
import { messageOf } from '../errors.ts';
import { compileSchedule } from '../schedule/compile.ts';
import { WORDS } from '../schedule/cron.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { Condition, Host, Schedule, Task, Template, ZoneSource } from '../types.ts';
import { type CommandContext, commandOf, type Reporter } from './command.ts';
import type { Contexts } from './contexts.ts';
import { type Issue, judge, nearest, notAMapping, sound } from './issues.ts';
import type { Serializer } from './param.ts';
import { mismatch } from './problems.ts';
import type { DefaultsInput, TaskInput } from './schema.ts';
import { EXPECTED, isMapping } from './schema-parts.ts';
import { type Settings, settingsOf } from './settings.ts';
import { compileCondition } from './template.ts';

/** What all tasks of a configuration are judged with. */
export interface TaskContext extends CommandContext {
  readonly host: Host;
  readonly deviceId: string;
  readonly zones: ZoneSource;
  readonly defaults: DefaultsInput;
  readonly serializer: Serializer;
  readonly contexts: Contexts;
}

/** Where what is said of one task goes. */
export interface TaskReport extends Reporter {
  warn(issue: Issue): void;
}

type Identity = Pick<Task, 'name' | 'order' | 'file'>;

/** Reports every problem of it; null where there was one that left nothing to build. */
export function resolveTask(
  { name, order, file }: Identity,
  value: unknown,
  context: TaskContext,
  to: TaskReport,
): Task | null {
  const shape = notAMapping('task', value);
  if (shape !== null || !isMapping(value)) {
    if (shape !== null) to.report(shape);
    return null;
  }
  const issues = judge('task', value);
  issues.forEach(to.report);
  const input: Partial<TaskInput> = sound(value, issues);
  const schedule = input.schedule;
  const written = typeof schedule === 'string' ? { expression: schedule } : schedule;
  const settings = settingsOf({ ...input, schedule: written }, context.defaults, context.host.cpus);
  const compiled = scheduleOf(name, input, settings, context, to);
  const cut = cutDelay(input, settings);
  if (cut !== null) to.warn(cut);
  const command = commandOf({ name, written: value }, input, context, to);
  const condition = conditionOf(value, input, to);
  const resultPath = resultPathOf(settings.result, context, to);
  const execution = context.contexts.contextOf(input, to);
  const limits = context.contexts.limitsOf(input);
  const param = context.serializer.serialize(input.param === undefined ? NO_PARAM : input.param, settings.formatParam);
  if ('issue' in param) to.report(param.issue);
  if (compiled === null || 'issue' in param) return null;
  // Every key by itself: freezing what was spread costs 25 µs.
  return Object.freeze({
    name,
    order,
    file,
    enabled: input.enabled ?? true,
    description: input.description ?? null,
    schedule: compiled,
    missed: settings.missed,
    missedWithin: settings.missedWithin,
    command,
    condition,
    timeout: settings.timeout,
    grace: settings.grace,
    successExit: settings.successExit,
    param: param.text,
    formatLog: settings.formatLog,
    separator: settings.separator,
    formatResult: settings.formatResult,
    formatState: settings.formatState,
    resultPath,
    onConflict: settings.onConflict,
    keep: settings.keep,
    tenancy: settings.tenancy,
    overlap: settings.overlap,
    mutex: settings.mutex,
    maxWait: settings.maxWait,
    retry: settings.retry,
    context: execution,
    limits,
  });
}

function scheduleOf(
  name: string,
  input: Partial<TaskInput>,
  settings: Settings,
  context: TaskContext,
  to: TaskReport,
): Schedule | null {
  const { schedule } = input;
  if (schedule === undefined) return null;
  const mapping = typeof schedule === 'string' ? null : schedule;
  const path = mapping === null ? ['schedule'] : ['schedule', 'expression'];
  let { timezone } = settings;
  if (timezone !== null && context.zones.zone(timezone) === null) {
    // One of the defaults has been told there.
    if (mapping?.timezone === timezone) {
      to.report({ path: ['schedule', 'timezone'], at: 'value', message: mismatch(EXPECTED.timezone, timezone) });
    }
    timezone = null;
  }
  const expression = typeof schedule === 'string' ? schedule : schedule.expression;
  const source = { expression, hash: mapping?.hash ?? name, timezone, deviceId: context.deviceId };
  const compiled = compileSchedule(source, context.zones);
  if (!compiled.ok) {
    to.report({ path, at: 'value', message: compiled.message + hintFor(expression) });
    return null;
  }
  for (const message of compiled.warnings) to.warn({ path, at: 'value', message });
  return Object.freeze(compiled.schedule);
}

/** The word that was meant, where an expression begins with one that is none. */
function hintFor(expression: string): string {
  const word = expression.trim().split(/\s/)[0]?.toLowerCase() ?? '';
  // The message of a wrong `@every` says enough.
  if (!word.startsWith('@') || word.startsWith('@every') || WORDS.includes(word)) return '';
  const part = (known: string): boolean => word.length > 3 && known.includes(word.slice(1));
  const meant = nearest(word, WORDS) ?? WORDS.find(part);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** A delay that its own task cuts. */
function cutDelay({ retry }: Partial<TaskInput>, { retry: settled }: Settings): Issue | null {
  if (typeof retry !== 'object' || settled === null || settled.delay <= settled.maxDelay) return null;
  const [delay, most] = [formatDuration(settled.delay), formatDuration(settled.maxDelay)];
  return { path: ['retry'], at: 'key', message: `the delay of ${delay} is cut to max_delay, which is ${most}` };
}

function conditionOf(value: object, input: Partial<TaskInput>, to: TaskReport): Condition | null {
  if (Object.hasOwn(value, 'if') && Object.hasOwn(value, 'unless')) {
    to.report({ path: ['unless'], at: 'key', message: 'expected only one of if and unless, found both' });
  }
  let condition: Condition | null = null;
  for (const kind of ['if', 'unless'] as const) {
    const source = input[kind];
    if (source === undefined) continue;
    try {
      condition = compileCondition(kind, source);
    } catch (thrown) {
      to.report({ path: [kind], at: 'value', message: messageOf(thrown) });
    }
  }
  return condition;
}

/** One for all, so that it is serialized once. */
const NO_PARAM = Object.freeze({});
const DEFAULT_PATH = Object.freeze({ kind: 'default' } as const);
const NO_PATH = Object.freeze({ kind: 'none' } as const);

function resultPathOf(result: Settings['result'], context: TaskContext, to: TaskReport): Task['resultPath'] {
  if (result === undefined) return DEFAULT_PATH;
  if (result === null) return NO_PATH;
  let template: Template;
  try {
    template = context.template(result);
  } catch (thrown) {
    to.report({ path: ['path', 'result'], at: 'value', message: messageOf(thrown) });
    return NO_PATH;
  }
  return Object.freeze({ kind: 'template', template });
}
