/**
 * Reads a whole configuration (SPEC 3) for the daemon, a pass and the commands: found, decoded, parsed, judged, resolved,
 * frozen. What stops a start is thrown with all problems there are; what does not is in the configuration's problems.
 */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type ErrorCode, errnoOf, FateError, messageOf } from '../errors.ts';
import type { Configuration, Host, InvalidTask, Problem, ZoneSource } from '../types.ts';
import { type Document, emptyDocument, type Fault } from './document.ts';
import { findDropIns, findNamed, SUFFIXES, styleOf } from './files.ts';
import type { Finding } from './problems.ts';
import { resolveConfiguration } from './resolve.ts';
import { unsafeParts } from './safety.ts';
import { readText } from './text.ts';
import { parseTomlFile } from './toml-file.ts';
import { parseYamlFile } from './yaml-file.ts';

export interface LoadOptions {
  /** The folder of the files. */
  readonly conf: string;
  /** Their names without suffix; drop-ins are in `<task>.d`. */
  readonly names: { readonly task: string; readonly defaults: string };
  /** The packages' drop-ins, in the system profile. */
  readonly packaged: string | null;
  /** Relative log files are below it. */
  readonly data: string;
  readonly host: Host;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly zones: ZoneSource;
  /** Also an invalid task or drop-in stops a start. */
  readonly strict?: boolean;
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
  const found = await findFiles(conf, options);
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
    data: resolve(options.data),
    host: options.host,
    deviceId: options.env.FATE_DEVICE_ID || undefined,
    zones: options.zones,
    isFile: (name) => namesFile(name, options.env.PATH),
    kindOf,
  });
  problems.push(...(await placed(resolution.findings, documents)));

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
    const syntax = errors.some((problem) => problem.kind === 'syntax');
    stop(syntax ? 'CONF_SYNTAX' : 'CONF_INVALID', `the configuration in ${conf} has errors`, problems);
  }
  return Object.freeze({
    files: Object.freeze(read.filter((r) => r.readable).map((r) => r.file)),
    tasks: Object.freeze(resolution.tasks),
    invalid: Object.freeze(invalidTasks(resolution.invalid, problems)),
    problems: Object.freeze(problems),
    log: resolution.log,
  });
}

/** How many files are read at one time. */
const AT_ONCE = 32;

interface Found {
  /** `tasks` and `defaults`, those that are there. */
  readonly main: readonly string[];
  readonly defaults: string | null;
  readonly dropIns: readonly string[];
  readonly problems: readonly Problem[];
}

async function findFiles(conf: string, { names, packaged }: LoadOptions): Promise<Found> {
  const folder = join(conf, `${names.task}.d`);
  let tasks: string[];
  let defaults: string[];
  try {
    [tasks, defaults] = [await findNamed(conf, names.task), await findNamed(conf, names.defaults)];
  } catch (thrown) {
    const code = errnoOf(thrown) === 'EACCES' ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, `cannot look for the configuration in ${conf}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const dropIns = await findDropIns(folder, packaged);
  const ambiguous = [tasks, defaults].filter((files) => files.length > 1);
  if (ambiguous.length > 0) {
    const problems = ambiguous.map(([file = conf, ...others]) =>
      problemOf(
        'ambiguous',
        file,
        `expected one file, found ${[file, ...others].map((f) => basename(f)).join(' and ')}`,
      ),
    );
    const which = ambiguous.map(([file = '']) => basename(file).replace(/\.\w+$/, '')).join(' and ');
    throw new FateError('CONF_AMBIGUOUS', `${which} is there in more than one format in ${conf}`, { problems });
  }
  if (tasks.length === 0 && dropIns.files.length === 0) {
    const file = join(conf, names.task);
    const message = `expected ${basename(file)}.${SUFFIXES.join(', .')} or a drop-in in ${folder}, found none`;
    const problems = [problemOf('missing', file, message), ...dropIns.unreadable.map(unreadable)];
    throw new FateError('CONF_MISSING', `there are no tasks in ${conf}`, { problems });
  }
  return {
    main: [...tasks, ...defaults],
    defaults: defaults[0] ?? null,
    dropIns: dropIns.files,
    problems: dropIns.unreadable.map(unreadable),
  };
}

const unreadable = ({ file, message }: { file: string; message: string }): Problem =>
  problemOf('syntax', file, message);

function problemOf(kind: Problem['kind'], file: string, message: string): Problem {
  return Object.freeze({ severity: 'error', kind, file, path: Object.freeze([]), message });
}

async function unsafeProblems(files: readonly string[]): Promise<Problem[]> {
  const parts = await unsafeParts(files);
  return parts.map(({ file, message }) => problemOf('unsafe', file, message));
}

interface Read {
  readonly file: string;
  /** Whether its bytes were read, whatever they are. */
  readonly readable: boolean;
  readonly document: Document | null;
  readonly failure: 'CONF_SYNTAX' | 'CONF_MISSING' | 'NOT_PERMITTED' | 'FATAL' | null;
  readonly problems: readonly Problem[];
}

const FAILURES: Readonly<Record<string, Read['failure']>> = {
  EACCES: 'NOT_PERMITTED',
  EPERM: 'NOT_PERMITTED',
  ENOENT: 'CONF_MISSING',
  ELOOP: 'CONF_MISSING',
  // It is there, but is no file.
  EISDIR: 'CONF_SYNTAX',
  EINVAL: 'CONF_SYNTAX',
};

async function readDocument(file: string): Promise<Read> {
  const text = await readText(file);
  if (!text.ok) {
    const failure = text.errno === null ? 'CONF_SYNTAX' : (FAILURES[text.errno] ?? 'FATAL');
    return {
      file,
      readable: text.errno === null,
      document: null,
      failure,
      problems: [faultProblem(file, text.fault, 'error')],
    };
  }
  const style = styleOf(file);
  if (text.text.trim() === '')
    return { file, readable: true, document: emptyDocument(file, style), failure: null, problems: [] };
  const parsed = style === 'toml' ? await parseTomlFile(file, text.text) : parseYamlFile(file, text.text);
  if (!parsed.ok) {
    const problems = parsed.faults.map((fault) => faultProblem(file, fault, 'error'));
    return { file, readable: true, document: null, failure: 'CONF_SYNTAX', problems };
  }
  const { document } = parsed;
  return {
    file,
    readable: true,
    document,
    failure: null,
    problems: document.warnings.map((w) => faultProblem(file, w, 'warning')),
  };
}

function faultProblem(file: string, fault: Fault, severity: Problem['severity']): Problem {
  const { position, excerpt } = fault;
  const where = position === null ? {} : { ...position, ...(excerpt === null ? {} : { excerpt }) };
  return Object.freeze({ severity, kind: 'syntax', file, ...where, path: Object.freeze([]), message: fault.message });
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
