/**
 * What tasks ask for and this machine, or this scheduler, will not give them: told when a configuration is loaded and by
 * `fate check`, while only the run that needs it fails (SPEC 3). Promises to evaluate no template, and to tell a thing that many
 * tasks share once.
 */
import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import { type ContextParts, identify, whyNoFolder } from '../execution/context.ts';
import { sourceOf } from '../execution/credentials.ts';
import { readEnvFile } from '../execution/env-file.ts';
import { systemText } from '../execution/failure.ts';
import { GROUP_WRITES, OTHERS_WRITE, STICKY } from '../modes.ts';
import type { Configuration, Identity, Problem, Task } from '../types.ts';

/** Names beyond that are counted. */
const NAMED = 10;

interface Found {
  /** Below the task. */
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * Of tasks that are enabled; each problem has the first task that it is about. Reads files, one after the other, so that a
 * file server that does not answer holds up nobody else. Never rejects.
 */
export async function contextWarnings(
  { tasks, files, steerGroup }: Pick<Configuration, 'tasks' | 'files' | 'steerGroup'>,
  parts: ContextParts,
): Promise<Problem[]> {
  const known = new Map<string, { readonly found: Found; readonly tasks: Task[] }>();
  // A file is read once, however many tasks it is for.
  const memory = new Map<string, unknown>();
  const once = async <T>(key: string, look: () => T | Promise<T>): Promise<T> => {
    if (!memory.has(key)) memory.set(key, await look());
    return memory.get(key) as T;
  };
  for (const task of tasks) {
    if (!task.enabled) continue;
    for (const found of await warningsOf(task, parts, once)) {
      const key = JSON.stringify(found);
      const entry = known.get(key);
      if (entry === undefined) known.set(key, { found, tasks: [task] });
      else entry.tasks.push(task);
    }
  }
  const ofTasks = [...known.values()].map(({ found, tasks: [first, ...others] }) =>
    problemOf(found, first as Task, others),
  );
  const unknown = steerGroup === null ? null : whyNoGroup(steerGroup, parts);
  if (unknown === null) return ofTasks;
  const path = ['control', 'steer_group'];
  const file = files.find((name) => /\/defaults\.\w+$/.test(name)) ?? '';
  return [...ofTasks, { severity: 'warning', kind: 'value', file, path, message: `${unknown}: nobody steers by it` }];
}

function problemOf({ path, message }: Found, task: Task, others: readonly Task[]): Problem {
  const also = others.length === 0 ? '' : ` (also of ${listed(others.map(({ name }) => name))})`;
  return {
    severity: 'warning',
    kind: 'value',
    file: task.file,
    path: [task.name, ...path],
    task: task.name,
    message: `${message}${also}`,
  };
}

/** `a, b, c`, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function whyNoGroup(name: string, { accounts }: ContextParts): string | null {
  try {
    return accounts.group(name) === null ? `there is no group ${name}` : null;
  } catch (error) {
    return messageOf(error);
  }
}

type Once = <T>(key: string, look: () => T | Promise<T>) => Promise<T>;

async function warningsOf(task: Task, parts: ContextParts, once: Once): Promise<Found[]> {
  const { user, group, cwd, envFiles, credentials } = task.context;
  const who = await once(JSON.stringify(['who', user, group]), () => identityOf(task, parts));
  const found: Found[] = [];
  // Who looks at root's configuration need not see what root sees.
  const blind = parts.uid === 0 && process.geteuid?.() !== 0;
  const fails = (path: readonly string[], why: string): void => {
    if (blind && why.endsWith('(EACCES)')) return;
    found.push({ path, message: `${why}: the runs of this task will fail` });
  };
  if ('why' in who) fails([user === null ? 'group' : 'user'], who.why);
  const switched = 'uid' in who && who.uid !== parts.uid;
  if (cwd?.source.startsWith('/') && !cwd.source.includes('<%')) {
    const why = await once(JSON.stringify(['cwd', cwd.source, switched]), async () => {
      await reached(cwd.source);
      return whyNoFolder(cwd.source, switched);
    });
    if (why !== null) fails(['cwd'], `the folder ${cwd.source} ${why}`);
  }
  const identity = 'identity' in who ? who.identity : null;
  // Only where root reads it for the task can somebody gain by it.
  const guarded = parts.uid === 0 ? [0, ...('uid' in who ? [who.uid] : [])] : null;
  for (const { path, optional } of envFiles) {
    const read = await once(JSON.stringify(['env', path, identity]), async () => {
      await reached(path);
      return readEnvFile(path, identity);
    });
    if (read.ok)
      for (const warning of read.file.warnings) found.push({ path: ['env_file'], message: `${path}: ${warning}` });
    else if (!(read.missing && optional)) fails(['env_file'], `the environment file ${path} ${read.why}`);
    const writer = guarded === null || !read.ok ? null : writers(path, guarded);
    if (writer !== null)
      found.push({
        path: ['env_file'],
        message: `${writer} can write ${path}, and so decide on the environment of this task`,
      });
  }
  for (const credential of credentials) {
    const path = ['credentials', credential.name];
    const source = sourceOf(credential, parts.env);
    if (source === null) {
      // A command line is not the service, which may have what is not here.
      if (parts.env.INVOCATION_ID) fails(path, 'systemd gave the scheduler no credentials');
      continue;
    }
    await reached(source);
    const why = whyNoFile(source);
    if (why !== null) fails(path, `${source} ${why}`);
    else if (guarded !== null) found.push(...exposures(source, guarded).map((message) => ({ path, message })));
  }
  return found;
}

/** Waits, off the loop, for whoever serves this path to say anything about it; what he says is asked again. */
async function reached(path: string): Promise<void> {
  await stat(path).catch(() => {});
}

type Who = { readonly uid: number; readonly identity: Identity | null } | { readonly why: string };

function identityOf(task: Task, parts: ContextParts): Who {
  try {
    const { account, identity } = identify(task.context, parts);
    return { uid: account?.uid ?? parts.uid, identity };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

function whyNoFile(path: string): string | null {
  try {
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts === undefined) return 'does not exist';
    return facts.isFile() ? null : 'is not a regular file';
  } catch (error) {
    return errnoOf(error) === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${systemText(error)}`;
  }
}

// ---------------------------------------------------------------------------------------------- who may

function factsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Who besides these users can write a file, or put another in its place. Null: nobody. */
function writers(path: string, users: readonly number[]): string | null {
  return writersOf(path, users) ?? writersOf(dirname(path), users);
}

/** As conf/safety.ts has it, but that in a sticky folder nobody can take another's file away. */
function writersOf(path: string, users: readonly number[]): string | null {
  const facts = factsOf(path);
  if (facts === null) return null;
  const mode = facts.isDirectory() && facts.mode & STICKY ? 0 : facts.mode;
  if (!users.includes(facts.uid)) return `the user ${facts.uid}`;
  if (mode & OTHERS_WRITE) return 'everybody';
  return mode & GROUP_WRITES ? `the group ${facts.gid}` : null;
}

function exposures(path: string, users: readonly number[]): string[] {
  const mode = factsOf(path)?.mode ?? 0;
  const readers = mode & 0o004 ? 'everybody' : mode & 0o040 ? 'its group' : null;
  const who = writers(path, users);
  return [
    ...(readers === null ? [] : [`${readers} can read ${path}, which is to be secret`]),
    ...(who === null ? [] : [`${who} can write ${path}, and so decide what this task takes for its own`]),
  ];
}

/** Names of enabled tasks that run as whoever the scheduler is, since nothing names a user. */
export function tasksWithoutUser({ tasks }: Pick<Configuration, 'tasks'>): string[] {
  return tasks.filter((task) => task.enabled && task.context.user === null).map(({ name }) => name);
}
