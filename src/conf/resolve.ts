/**
 * From parsed files to frozen tasks (CONTRIBUTING, rule 4): defaults and built-in values applied, units converted, templates and
 * schedules compiled. Every problem is collected, none is thrown; a task with one is set aside alone. For load. Pure:
 * zones, the host and the answers about files come in.
 */
import type { History, Host, LogTarget, Ms, Task, ZoneSource } from '../types.ts';
import { createContexts, judgeContext } from './contexts.ts';
import type { Document } from './document.ts';
import { type Issue, judge, notAMapping, sound } from './issues.ts';
import { DEFAULT_LOG, type LogContext, logTargets } from './log-targets.ts';
import { createSerializer } from './param.ts';
import { describe, type Finding, mismatch, quote } from './problems.ts';
import { historyOf, patienceOf } from './runs.ts';
import type { DefaultsInput } from './schema.ts';
import { EXPECTED, isMapping } from './schema-parts.ts';
import { resolveTask, type TaskContext } from './task.ts';
import { compileTemplate } from './template.ts';

export interface ResolveInput {
  readonly defaults: Document | null;
  /** The tasks file and the drop-ins, in order. */
  readonly tasks: readonly Document[];
  /** The folder that relative environment files are below. */
  readonly conf: string;
  /** The folder that relative log paths are below. */
  readonly data: string;
  readonly host: Host;
  /** What `U` in schedules hashes besides the name, where the environment says it (SPEC 5). */
  readonly deviceId: string | undefined;
  readonly zones: ZoneSource;
  isFile(name: string): boolean;
  kindOf: LogContext['kindOf'];
}

export interface Resolution {
  readonly tasks: readonly Task[];
  /** Their findings carry the same file and task. */
  readonly invalid: readonly { readonly name: string; readonly file: string }[];
  readonly log: readonly LogTarget[];
  readonly patience: Ms;
  readonly history: History;
  readonly controlGroups: boolean;
  readonly steerGroup: string | null;
  readonly findings: readonly Finding[];
  /** Whether the defaults file has an error: then the tasks were judged without it. */
  readonly badDefaults: boolean;
  /** Files of tasks that hold no mapping. */
  readonly badFiles: readonly string[];
}

/** Never throws for anything that a file may hold. */
export function resolveConfiguration(input: ResolveInput): Resolution {
  const findings: Finding[] = [];
  const report =
    (file: string, task?: string, severity: Finding['severity'] = 'error') =>
    (issue: Issue): void => {
      const path = task === undefined ? issue.path : [task, ...issue.path];
      findings.push({ severity, file, path, at: issue.at, task, message: issue.message });
    };
  const { layer, log, bad } = resolveDefaults(input, (file, severity) => report(file, undefined, severity));
  const size = input.tasks.reduce((sum, document) => sum + document.length, 0);
  const templates = new Map<string, ReturnType<typeof compileTemplate>>();
  // Many tasks share a text: that of the defaults, or of an alias.
  const template: TaskContext['template'] = (source) => {
    const known = templates.get(source) ?? compileTemplate(source);
    templates.set(source, known);
    return known;
  };
  const context: TaskContext = {
    host: input.host,
    deviceId: input.deviceId ?? layer.device_id ?? input.host.id,
    zones: input.zones,
    defaults: layer,
    serializer: createSerializer(size),
    isFile: input.isFile,
    template,
    contexts: createContexts({ defaults: layer, conf: input.conf, memory: input.host.memory, template }),
  };

  const entries = entriesOf(input.tasks, (document, issue) => report(document.file)(issue));
  const files = new Map<string, Set<string>>();
  for (const { name, document } of entries.list) {
    const known = files.get(name);
    if (known === undefined) files.set(name, new Set([document.file]));
    else known.add(document.file);
  }
  const tasks: Task[] = [];
  const invalid: { name: string; file: string }[] = [];
  for (const [order, { name, value, document }] of entries.list.entries()) {
    const before = findings.length;
    const say = report(document.file, name);
    const wrongName = nameIssue(name);
    if (wrongName !== null) say({ path: [], at: 'key', message: wrongName });
    const places = files.get(name);
    if (places !== undefined && places.size > 1) {
      const found = [...places].join(' and in ');
      say({ path: [], at: 'key', message: `expected one task of this name, found it in ${found}` });
    }
    const warnings: Issue[] = [];
    const to = { style: document.style, report: say, warn: (issue: Issue) => warnings.push(issue) };
    const task = resolveTask({ name, order, file: document.file }, value, context, to);
    if (task === null || findings.length > before) invalid.push({ name, file: document.file });
    else tasks.push(task);
    warnings.forEach(report(document.file, name, 'warning'));
  }
  return {
    tasks,
    invalid,
    log,
    patience: patienceOf(layer.scheduling),
    history: historyOf(layer.history),
    controlGroups: layer.scheduling?.cgroup ?? true,
    steerGroup: steerGroupOf(layer),
    findings,
    badDefaults: bad,
    badFiles: entries.bad,
  };
}

function steerGroupOf({ control }: DefaultsInput): string | null {
  const group = control?.steer_group ?? null;
  return group === null ? null : String(group);
}

interface Defaults {
  readonly layer: DefaultsInput;
  readonly log: readonly LogTarget[];
  readonly bad: boolean;
}

type ReportTo = (file: string, severity?: Finding['severity']) => (issue: Issue) => void;

function resolveDefaults(input: ResolveInput, reportTo: ReportTo): Defaults {
  const document = input.defaults;
  if (document === null || document.value === null) return { layer: {}, log: DEFAULT_LOG, bad: false };
  let bad = false;
  const report = (issue: Issue): void => {
    bad = true;
    reportTo(document.file)(issue);
  };
  const shape = notAMapping('defaults', document.value);
  const issues = shape === null ? judge('defaults', document.value) : [shape];
  issues.forEach(report);
  if (!isMapping(document.value)) return { layer: {}, log: DEFAULT_LOG, bad };
  const layer: DefaultsInput = sound(document.value, issues);
  const zone = layer.schedule?.timezone;
  if (typeof zone === 'string' && input.zones.zone(zone) === null) {
    report({ path: ['schedule', 'timezone'], at: 'value', message: mismatch(EXPECTED.timezone, zone) });
  }
  const result = layer.path?.result;
  if (typeof result === 'string') {
    try {
      compileTemplate(result);
    } catch (thrown) {
      report({ path: ['path', 'result'], at: 'value', message: (thrown as Error).message });
    }
  }
  judgeContext(layer, { template: compileTemplate }, { report, warn: reportTo(document.file, 'warning') });
  const targets = layer.path?.log;
  const log = targets === undefined || targets === null ? DEFAULT_LOG : logTargets(targets, { ...input, report });
  return bad ? { layer: {}, log: DEFAULT_LOG, bad } : { layer, log, bad };
}

interface Entry {
  readonly name: string;
  readonly value: unknown;
  readonly document: Document;
}

/** All tasks in the order written; `ext` and `x-…` are the user's own (SPEC 3). */
function entriesOf(documents: readonly Document[], report: (document: Document, issue: Issue) => void) {
  const list: Entry[] = [];
  const bad: string[] = [];
  for (const document of documents) {
    const { value } = document;
    if (value === null || value === undefined) continue;
    if (!isMapping(value)) {
      report(document, { path: [], at: 'value', message: mismatch('a mapping of tasks by their names', value) });
      bad.push(document.file);
      continue;
    }
    for (const name of document.keys) {
      if (name !== 'ext' && !name.startsWith('x-')) list.push({ name, value: value[name], document });
    }
  }
  return { list, bad };
}

const NAME_BYTES = 128;

/** SPEC 3.1: letters and digits of any script and `. _ - @ : +`, no `.` or `-` first. */
function nameIssue(name: string): string | null {
  const bytes = Buffer.byteLength(name);
  if (bytes > NAME_BYTES) return `expected a name of at most ${NAME_BYTES} bytes, found one of ${bytes}`;
  const found = () => (name === '' ? describe(name) : `the name ${quote(name)}`);
  // Marks are parts of letters: without them there were no names in Hindi or Thai.
  if (!/^[\p{L}\p{M}\p{Nd}._\-@:+]+$/u.test(name))
    return `expected letters, digits and . _ - @ : + in a name, found ${found()}`;
  return /^[.-]/.test(name) ? `expected a name that begins with neither . nor -, found ${found()}` : null;
}
