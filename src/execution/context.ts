/**
 * What a run's process gets besides its command, looked up when it starts (SPEC 3.1): user and group, folder, environment.
 * Promises that whatever is not there, or is not this scheduler's to give, is told in one sentence, and that nothing is thrown.
 */
import { type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import type { Account, Accounts, ExecutionContext, Identity, ProcessContext, Run, Scope, Template } from '../types.ts';
import { render } from './command.ts';
import { readEnvFile } from './env-file.ts';
import { accountEnvironment, type Env, fateEnvironment, inheritedEnvironment, overlay } from './environment.ts';
import { systemText } from './failure.ts';

export interface ContextParts {
  /** The scheduler's own. */
  readonly env: Env;
  readonly accounts: Accounts;
  /** The scheduler's effective user. */
  readonly uid: number;
}

export type Settled =
  | {
      readonly ok: true;
      readonly context: ProcessContext;
      /** The whole environment but for CREDENTIALS_DIRECTORY. */
      readonly env: Record<string, string>;
      /** Of `user`, where the task says one. */
      readonly account: Account | null;
      /** What was passed over: lines of environment files. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/** `message` says why a run cannot have what its task asks for (SPEC 7, `Failed`). */
export function settleContext(run: Run, scope: Scope, parts: ContextParts): Settled {
  const { context } = run.task;
  const warnings: string[] = [];
  try {
    const { account, identity } = identify(context, parts);
    const env: Record<string, string> = { ...inheritedEnvironment(parts.env, parts.uid, parts.accounts) };
    if (account !== null) overlay(env, accountEnvironment(account));
    // Whether it is there, whoever enters it will see: a file server that does not answer holds up nobody there.
    const cwd = context.cwd === null ? null : folderOf(context.cwd, scope, account?.home ?? env.HOME ?? '');
    // Where the folder cannot be seen by us, the task's user may see it.
    // The scheduler's would be wrong.
    if (cwd !== null && env.PWD !== undefined) env.PWD = cwd;
    for (const file of context.envFiles) overlay(env, variablesOf(file, identity, warnings));
    for (const variable of context.env) overlay(env, { [variable.name]: valueFor(variable, scope) });
    overlay(env, fateEnvironment(run));
    const process = { identity, cwd, umask: context.umask, nice: context.nice };
    return { ok: true, context: process, env, account, warnings };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

// ---------------------------------------------------------------------------------------------- user and group

export interface Who {
  /** Of `user`; null where the task says none. */
  readonly account: Account | null;
  /** Null: the scheduler's own. */
  readonly identity: Identity | null;
}

/** @throws Error that says why there is no such user or group, or why it is not the scheduler's to give */
export function identify(wanted: Pick<ExecutionContext, 'user' | 'group'>, parts: Omit<ContextParts, 'env'>): Who {
  const { user, group } = wanted;
  const { accounts, uid } = parts;
  if (user === null && group === null) return { account: null, identity: null };
  const account = user === null ? null : lookUp(`user ${user}`, () => accounts.user(user));
  const asked = group === null ? null : lookUp(`group ${group}`, () => accounts.group(group));
  const ownGid = process.getegid?.();
  const same = account === null || account.uid === uid;
  if (same && (asked === ownGid || (asked === null && uid !== 0))) return { account, identity: null };
  if (uid !== 0) {
    const [what, name] = same ? ['in the group', group] : ['as the user', user];
    throw new Error(`the scheduler does not run as root, so it cannot run anything ${what} ${name}`);
  }
  const base = account ?? lookUp(`user ${uid}`, () => accounts.user(String(uid)));
  const gid = asked ?? base.gid;
  if (same && gid === ownGid) return { account, identity: null };
  const groups = lookUp(`groups of ${base.name}`, () => accounts.groupsOf(base, gid));
  return { account, identity: { uid: base.uid, gid, groups } };
}

function lookUp<T>(what: string, ask: () => T | null): T {
  let found: T | null;
  try {
    found = ask();
  } catch (error) {
    throw new Error(`the ${what} cannot be looked up: ${systemText(error)}`, { cause: error });
  }
  if (found === null) throw new Error(`there is no ${what}`);
  return found;
}

// ---------------------------------------------------------------------------------------------- folder

function folderOf(cwd: Template, scope: Scope, home: string): string {
  const path = render(cwd, scope, 'cwd');
  if (path.trim() === '') throw new Error('cwd names no folder: it is empty');
  if (path.includes('\0')) throw new Error('cwd holds a NUL byte');
  if (path !== '~' && !path.startsWith('~/')) return resolve(path);
  if (home === '') throw new Error('cwd is below the home folder, which the user has none of');
  return join(home, path.slice(1));
}

/** Why a path is no folder to run in; null where it is one. `others`: what we may not see counts as there. */
export function whyNoFolder(path: string, others: boolean): string | null {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'EACCES' && others) return null;
    return errnoOf(error) === 'ENOTDIR' ? 'does not exist' : `cannot be entered: ${systemText(error)}`;
  }
  if (stats === undefined) return 'does not exist';
  return stats.isDirectory() ? null : 'is not a folder';
}

// ---------------------------------------------------------------------------------------------- environment

function variablesOf(file: ExecutionContext['envFiles'][number], identity: Identity | null, warnings: string[]): Env {
  const read = readEnvFile(file.path, identity);
  if (!read.ok) {
    if (read.missing && file.optional) return {};
    throw new Error(`the environment file ${file.path} ${read.why}`);
  }
  for (const warning of read.file.warnings) warnings.push(`the environment file ${file.path}: ${warning}`);
  return Object.fromEntries(read.file.assignments);
}

function valueFor({ name, value }: ExecutionContext['env'][number], scope: Scope): string | undefined {
  if (value === null) return undefined;
  const text = render(value, scope, `env ${name}`);
  if (text.includes('\0')) throw new Error(`env ${name} holds a NUL byte`);
  return text;
}
