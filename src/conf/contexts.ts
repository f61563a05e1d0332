/**
 * What a task asks for its process and what it may use, as records: the defaults' below its own, templates compiled, units
 * converted (SPEC 3.1). For resolve and task. Pure: no user, file or folder is looked at (SPEC 3).
 */
import { resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Bytes, ExecutionContext, Limits, Template } from '../types.ts';
import type { Issue } from './issues.ts';
import { effective, pick } from './layers.ts';
import { describe, mismatch, quote } from './problems.ts';
import type { DefaultsInput, TaskInput } from './schema.ts';
import { EXPECTED_CONTEXT as EXPECTED, isCredential } from './schema-context.ts';
import { parsePercent, parseSize, parseUmask } from './sizes.ts';

/** Of stderr, where nobody says more. */
export const LOG_LIMIT: Bytes = 10 * 1024 ** 2;
/** The names of SPEC 7, which nobody else may set. */
const OURS = ['FATE_TASK', 'FATE_RUN_ID', 'FATE_DUE', 'FATE_ATTEMPT'];

export interface ContextsInput {
  readonly defaults: DefaultsInput;
  /** Relative environment files are below it. */
  readonly conf: string;
  /** Of the machine. */
  readonly memory: Bytes;
  template(source: string): Template;
}

interface Told {
  report(issue: Issue): void;
  warn(issue: Issue): void;
}

type ContextLayer = Pick<
  TaskInput,
  'env' | 'env_file' | 'cwd' | 'user' | 'group' | 'umask' | 'nice' | 'credentials' | 'limits'
>;

export interface Contexts {
  /** Reports what is wrong with the task's own part of it; the answer counts only where nothing was. */
  contextOf(task: Partial<ContextLayer>, to: Told): ExecutionContext;
  limitsOf(task: Partial<ContextLayer>): Limits;
}

/** Expects layers that the schema has accepted. What is wrong with the defaults' is `judgeContext`'s to tell. */
export function createContexts(input: ContextsInput): Contexts {
  const { defaults } = input;
  const silent: Told = { report() {}, warn() {} };
  const inherited = compileEnv(defaults.env, input, silent);
  const build = (task: Partial<ContextLayer>, to: Told): ExecutionContext => {
    const layers = [task, defaults] as const;
    const files = pick('env_file', ...layers) ?? [];
    const cwd = pick('cwd', ...layers) ?? null;
    const umask = pick('umask', ...layers) ?? null;
    return Object.freeze({
      env: task.env === undefined ? inherited : envOf(task.env === null ? [] : inherited, task.env, input, to),
      envFiles: Object.freeze((typeof files === 'string' ? [files] : files).map((file) => envFileOf(file, input.conf))),
      cwd: cwd === null ? null : compiled(cwd, ['cwd'], input, task.cwd === undefined ? silent : to),
      user: idOf(pick('user', ...layers)),
      group: idOf(pick('group', ...layers)),
      umask: umask === null ? null : parseUmask(umask),
      nice: pick('nice', ...layers) ?? null,
      credentials: credentialsOf(task.credentials, to),
    });
  };
  // Most tasks say nothing of it: they share one record.
  const common = build({}, silent);
  const commonLimits = limitsOf([defaults.limits], input.memory);
  return {
    contextOf: (task, to) => (KEYS.every((key) => task[key] === undefined) ? common : build(task, to)),
    limitsOf: (task) =>
      task.limits === undefined ? commonLimits : limitsOf([task.limits, defaults.limits], input.memory),
  };
}

const KEYS = ['env', 'env_file', 'cwd', 'user', 'group', 'umask', 'nice', 'credentials'] as const;

/** What is wrong with the defaults' part of it beyond its shape. */
export function judgeContext(layer: Pick<DefaultsInput, 'env' | 'cwd'>, input: Compiler, to: Told): void {
  compileEnv(layer.env, input, to);
  if (typeof layer.cwd === 'string') compiled(layer.cwd, ['cwd'], input, to);
}

// ---------------------------------------------------------------------------------------------- environment

type Env = ExecutionContext['env'];
type Compiler = Pick<ContextsInput, 'template'>;

function envOf(inherited: Env, own: ContextLayer['env'], input: Compiler, to: Told): Env {
  const merged = new Map(inherited.map((entry) => [entry.name, entry]));
  for (const entry of compileEnv(own, input, to)) merged.set(entry.name, entry);
  return Object.freeze([...merged.values()]);
}

function compileEnv(env: ContextLayer['env'], input: Compiler, to: Told): Env {
  const entries: Env[number][] = [];
  for (const [name, value] of Object.entries(env ?? {})) {
    judgeName(name, to);
    // Zod passes over a key `__proto__`, whatever it holds.
    if (typeof value === 'object' && value !== null) {
      to.report({ path: ['env', name], at: 'value', message: mismatch(EXPECTED.value, value) });
    } else {
      const template = value === null ? null : compiled(String(value), ['env', name], input, to);
      entries.push(Object.freeze({ name, value: template }));
    }
  }
  return Object.freeze(entries);
}

/** environ(7): a name holds no `=`. One that is no identifier no shell has, and dash does not hand it on either. */
function judgeName(name: string, to: Told): void {
  const path = ['env', name];
  const found = name === '' ? describe(name) : `the name ${quote(name)}`;
  if (name === '' || /[=\0]/.test(name)) {
    to.report({ path, at: 'key', message: `expected the name of a variable, without =, found ${found}` });
  } else if (OURS.includes(name)) {
    to.report({
      path,
      at: 'key',
      message: `expected a name that Fate does not set itself for each run, found ${name}`,
    });
  } else if (!/^[A-Za-z_]\w*$/.test(name)) {
    to.warn({ path, at: 'key', message: `no shell can read a variable of ${found}, and some do not hand it on` });
  }
}

function compiled(source: string, path: string[], input: Compiler, to: Told): Template {
  if (source.includes('\0')) {
    to.report({
      path,
      at: 'value',
      message: 'expected a text without NUL, which no program can be given, found one with it',
    });
    return NOTHING;
  }
  try {
    return input.template(source);
  } catch (thrown) {
    to.report({ path, at: 'value', message: messageOf(thrown) });
    return NOTHING;
  }
}

const NOTHING: Template = Object.freeze({ source: '', render: () => '' });

function envFileOf(written: string, conf: string): ExecutionContext['envFiles'][number] {
  const optional = written.startsWith('-');
  return Object.freeze({ path: resolve(conf, optional ? written.slice(1) : written), optional });
}

// ---------------------------------------------------------------------------------------------- the rest

function idOf(written: string | number | null | undefined): string | null {
  return written === null || written === undefined ? null : String(written);
}

function credentialsOf(written: ContextLayer['credentials'], to: Told): ExecutionContext['credentials'] {
  const list = Object.entries(written ?? {}).map(([name, source]) => Object.freeze({ name, source: String(source) }));
  for (const { name } of list) {
    if (isCredential(name)) continue;
    const found = name === '' ? describe(name) : quote(name);
    to.report({
      path: ['credentials', name],
      at: 'key',
      message: `expected ${EXPECTED.credential}, found ${found}`,
    });
  }
  return Object.freeze(list);
}

function limitsOf(layers: readonly ContextLayer['limits'][], memory: Bytes): Limits {
  const said = effective(layers);
  const log = pick('log', ...said) ?? null;
  const most = pick('memory', ...said) ?? null;
  const cpu = pick('cpu', ...said) ?? null;
  const processes = pick('processes', ...said) ?? null;
  return Object.freeze({
    output: bytesOf(pick('output', ...said) ?? null),
    log: log === null ? LOG_LIMIT : bytesOf(log),
    memory: typeof most === 'string' && most.endsWith('%') ? shareOf(memory, most) : bytesOf(most),
    cpu: cpu === null ? null : parsePercent(cpu),
    processes: typeof processes === 'number' ? processes : null,
  });
}

/** Null for `infinity` too. */
function bytesOf(written: string | number | null): Bytes | null {
  return written === null ? null : parseSize(written);
}

function shareOf(memory: Bytes, written: string): Bytes {
  return Math.max(1, Math.floor((memory * (parsePercent(written) ?? 100)) / 100));
}
