/**
 * Reads a whole configuration (SPEC 3) for the daemon, a pass and the commands: found, decoded, parsed, judged, resolved,
 * frozen. What stops a start is thrown with all problems there are; what does not is in the configuration's problems.
 */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ErrorCode, FateError } from '../errors.ts';
import type { Configuration, Host, InvalidTask, Problem, ZoneSource } from '../types.ts';
import type { Document } from './document.ts';
import { findConfiguration, type Names, problemOf } from './finding.ts';
import type { Finding } from './problems.ts';
import { readDocument } from './reading.ts';
import { resolveConfiguration } from './resolve.ts';
import { unsafeParts } from './safety.ts';

export interface LoadOptions {
  /** The folder of the files. */
  readonly conf: string;
  readonly names: Names;
  /** The packages' drop-ins, in the system profile. */
  readonly packaged: string | null;
  /** Relative log files are below it. */
  readonly data: string;
  readonly host: Host;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly zones: ZoneSource;
  /** Also an invalid task or drop-in stops a start. */
  readonly strict?: boolean;
  /** Whether what may surprise is told too: to find its place takes time that a start need not spend. */
  readonly warnings?: boolean;
}

/** Absolute paths of the two files *without* suffix, for the state folder's name and the lock (SPEC 9). */
export function configurationStems({ conf, names }: Pick<LoadOptions, 'conf' | 'names'>): readonly [string, string] {
  return [resolve(conf, names.task), resolve(conf, names.defaults)];
}

/**
 * @throws FateError with all problems: CONF_AMBIGUOUS, CONF_MISSING, CONF_UNSAFE, CONF_SYNTAX, CONF_INVALID,
 * NOT_PERMITTED where a file must not be read, FATAL where it cannot be for another reason
 */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const conf = resolve(options.conf);
  const found = await findConfiguration(conf, options.names, options.packaged);
  const stop = (code: ErrorCode, message: string, problems: readonly Problem[]): never => {
    throw new FateError(code, message, { problems });
  };
  const files = [...found.main, ...found.dropIns];
  const unsafe = options.host.uid === 0 ? await unsafeProblems(files) : [];
  if (unsafe.length > 0) stop('CONF_UNSAFE', `others than root can write the configuration in ${conf}`, unsafe);

  const read = await Promise.all(found.main.map(readDocument));
  for (let i = 0; i < found.dropIns.length; i += AT_ONCE) {
    read.push(...(await Promise.all(found.dropIns.slice(i, i + AT_ONCE).map(readDocument))));
  }
  const problems: Problem[] = [...found.problems, ...read.flatMap((r) => r.problems)];
  const documents = read.map((r) => r.document);
  const defaults = found.defaults === null ? null : (documents[found.main.indexOf(found.defaults)] ?? null);
  const tasks = documents.filter((document): document is Document => document !== null && document !== defaults);
  const resolution = resolveConfiguration({
    defaults,
    tasks,
    conf,
    data: resolve(options.data),
    host: options.host,
    deviceId: options.env.FATE_DEVICE_ID || undefined,
    zones: options.zones,
    isFile: (name) => namesFile(name, options.env.PATH),
    kindOf,
  });
  const told = options.warnings ? resolution.findings : resolution.findings.filter((f) => f.severity === 'error');
  problems.push(...(await placed(told, documents)));

  const broken = read.filter((r) => found.main.includes(r.file) && r.failure !== null);
  for (const { file, failure } of broken) {
    if (failure !== null)
      stop(failure, `${file} ${failure === 'CONF_SYNTAX' ? 'cannot be parsed' : 'cannot be read'}`, problems);
  }
  if (resolution.badDefaults) stop('CONF_INVALID', `${found.defaults} has wrong values`, problems);
  const wrong = resolution.badFiles.find((file) => found.main.includes(file));
  if (wrong !== undefined) stop('CONF_INVALID', `${wrong} holds no tasks`, problems);
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (options.strict && errors.length > 0) {
    const syntax = errors.every((problem) => problem.kind === 'syntax');
    stop(syntax ? 'CONF_SYNTAX' : 'CONF_INVALID', `the configuration in ${conf} has errors`, problems);
  }
  return Object.freeze({
    files: Object.freeze(read.filter((r) => r.readable).map((r) => r.file)),
    tasks: Object.freeze(resolution.tasks),
    invalid: Object.freeze(invalidTasks(resolution.invalid, problems)),
    problems: Object.freeze(problems),
    log: resolution.log,
    patience: resolution.patience,
    history: resolution.history,
    controlGroups: resolution.controlGroups,
    steerGroup: resolution.steerGroup,
  });
}

/** How many files are read at one time. */
const AT_ONCE = 32;

async function unsafeProblems(files: readonly string[]): Promise<Problem[]> {
  const parts = await unsafeParts(files);
  return parts.map(({ file, message }) => problemOf('unsafe', file, message));
}

/** Adds the lines, which only files with problems are asked for. */
async function placed(findings: readonly Finding[], documents: readonly (Document | null)[]): Promise<Problem[]> {
  const asked = new Set(findings.map((finding) => finding.file));
  const locators = new Map<string, Awaited<ReturnType<Document['locator']>>>();
  for (const document of documents) {
    if (document !== null && asked.has(document.file)) locators.set(document.file, await document.locator());
  }
  // Task by task in their order, and within each by line.
  const groups = new Map<string, number>();
  const sorted = findings.map(({ severity, file, path, at, task, message }) => {
    const id = taskId(file, task);
    const group = groups.get(id) ?? groups.size;
    groups.set(id, group);
    const position = locators.get(file)?.(path, at) ?? null;
    const problem: Problem = {
      severity,
      kind: 'value',
      file,
      ...position,
      path: Object.freeze([...path]),
      task,
      message,
    };
    return { group, line: position?.line ?? 0, column: position?.column ?? 0, problem: Object.freeze(problem) };
  });
  sorted.sort((a, b) => a.group - b.group || a.line - b.line || a.column - b.column);
  return sorted.map(({ problem }) => problem);
}

const taskId = (file: string, task: string | undefined) => JSON.stringify([file, task]);

function invalidTasks(tasks: readonly { name: string; file: string }[], problems: readonly Problem[]): InvalidTask[] {
  const own = new Map<string, Problem[]>(tasks.map(({ file, name }) => [taskId(file, name), []]));
  for (const problem of problems) {
    if (problem.severity === 'error') own.get(taskId(problem.file, problem.task))?.push(problem);
  }
  return tasks.map(({ name, file }) =>
    Object.freeze({ name, file, problems: Object.freeze(own.get(taskId(file, name)) ?? []) }),
  );
}

function kindOf(path: string): 'directory' | 'other' | null {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'other';
  } catch {
    // Not there, or not for us to see.
    return null;
  }
}

/** Whether a program whose name has white space is there: by its path, or on PATH. */
function namesFile(name: string, path: string | undefined): boolean {
  const places = name.includes('/') ? [name] : (path ?? '').split(':').map((folder) => join(folder || '.', name));
  return places.some((place) => kindOf(place) === 'other');
}
