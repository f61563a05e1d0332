/**
 * What is there in place of what `fate init` wants, and whether something could be put there. Follows a link only to compare
 * what it leads to; changes nothing.
 */
import { constants } from 'node:fs';
import { access, lstat, open, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, FateError, messageOf } from '../../errors.ts';
import type { Scope, Standing, Wanted } from './wanted.ts';

type Facts = Awaited<ReturnType<typeof lstat>>;

/**
 * A link whose target reads the same is the same, so that a distribution may link what Fate would write; any other link
 * differs, and would itself be replaced: nothing is ever written through one.
 * @throws FateError PATH_TYPE, PATH_ACCESS
 */
export async function look({ path, content }: Pick<Wanted, 'path' | 'content'>): Promise<Standing> {
  const facts = await factsOf(path);
  if (facts === null) {
    await lookAbove(path);
    return { is: 'missing' };
  }
  if (facts.isSymbolicLink()) return lookAtLink(path, content);
  if (!facts.isFile()) throw wrongType(path, 'a file', kindOf(facts));
  const wanted = 'text' in content ? content.text : null;
  if (wanted === null) return { is: 'differs', what: 'a file, no link' };
  return (await holds(path, wanted)) ? { is: 'same' } : { is: 'differs', what: null };
}

async function lookAtLink(path: string, content: Wanted['content']): Promise<Standing> {
  const target = await readlink(path);
  const behind = await stat(path).catch(() => null);
  if (behind?.isDirectory()) throw wrongType(path, 'a file', `a link to a folder, ${target}`);
  const same =
    'link' in content ? target === content.link : behind?.isFile() === true && (await holds(path, content.text));
  return same ? { is: 'same' } : { is: 'differs', what: `a link to ${target}` };
}

/** Whether a file holds just that text. */
async function holds(path: string, text: string): Promise<boolean> {
  const wanted = Buffer.from(text);
  try {
    // Whatever took its place meanwhile must not hold us up: a fifo would.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const { size } = await file.stat();
      return size === wanted.length && (await file.readFile()).equals(wanted);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new FateError('PATH_ACCESS', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** What is missing may be so because a folder above it is none. */
async function lookAbove(path: string): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const facts = await factsOf(folder);
    if (facts !== null) {
      const behind = facts.isSymbolicLink() ? await stat(folder).catch(() => null) : facts;
      if (behind?.isDirectory()) return;
      throw wrongType(folder, 'a folder', behind === null ? 'a link to nothing' : kindOf(behind));
    }
    if (folder === dirname(folder)) return;
  }
}

/** The folder nearest above that is there can be written to. @throws FateError PATH_ACCESS */
export async function checkWritable(path: string, scope: Scope, uid = process.getuid?.() ?? 0): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      await access(folder, constants.W_OK | constants.X_OK);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder)) throw cannotWrite(path, scope, error, folder, uid);
    }
  }
}

/** In words that tell what to do about it. */
export function cannotWrite(path: string, scope: Scope, error: unknown, folder = dirname(path), uid = 0): FateError {
  const why = errnoOf(error) === 'EROFS' ? `${folder} is on a file system that is read-only` : null;
  const denied = errnoOf(error) === 'EACCES' ? `${folder} is not yours to write to` : null;
  const advice = scope === 'system' && uid !== 0 ? '; try it as root (sudo), or with --user' : '';
  const message = `cannot write ${path}: ${why ?? denied ?? messageOf(error)}${advice}`;
  return new FateError('PATH_ACCESS', message, { cause: error });
}

/** Null where there is nothing. @throws FateError PATH_ACCESS where that cannot be seen */
async function factsOf(path: string): Promise<Facts | null> {
  try {
    return await lstat(path);
  } catch (error) {
    // ENOTDIR: a file in place of a folder above it, which lookAbove finds.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw new FateError('PATH_ACCESS', `cannot look for ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function wrongType(path: string, expected: string, found: string): FateError {
  return new FateError('PATH_TYPE', `${path}: expected ${expected}, found ${found}`);
}

function kindOf(facts: Facts): string {
  if (facts.isFile()) return 'a file';
  if (facts.isDirectory()) return 'a folder';
  if (facts.isFIFO()) return 'a named pipe';
  if (facts.isSocket()) return 'a socket';
  return 'a device';
}
