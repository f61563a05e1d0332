/**
 * The state folder of a configuration, `<state>/<animal>-<md5>` (SPEC 9). Promises the daemon and the CLI that it is there,
 * closed to others, and that its conf/ shows people which files it belongs to.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { makeFoldersSync } from '../folders.ts';

const ANIMALS = [
  ...['aardvark', 'bison', 'canary', 'dalmation', 'emu', 'falcon', 'gnu', 'hamster', 'impala', 'jellyfish', 'kiwi'],
  ...['lemur', 'manatee', 'nutria', 'okapi', 'porcupine', 'quetzal', 'roadrunner', 'seal', 'turtle', 'unicorn', 'vole'],
  ...['wombat', 'xerus', 'yak', 'zebra'],
] as const;

/** The folder is the owner's alone: a task's state may hold secrets. */
const PRIVATE = 0o700;

/**
 * `<animal>-<md5>` of the two files' absolute paths without suffix, so that another format keeps the state. The animal is
 * there for people. Spelled as the Python Fate spells them.
 */
export function stateName(stems: readonly [string, string]): string {
  const md5 = createHash('md5')
    .update([...stems].sort().join(':'))
    .digest('hex');
  // The remainder lies below the number of animals.
  const animal = ANIMALS[Number(BigInt(`0x${md5}`) % BigInt(ANIMALS.length))] as string;
  return `${animal}-${md5}`;
}

/**
 * Makes the folder, or renames one of the same md5 and another animal, with `conf/` and `spool/` in it.
 * @returns its path
 * @throws FateError NOT_PERMITTED, or FATAL when it cannot be made
 */
export function stateFolder(state: string, stems: readonly [string, string], files: readonly string[]): string {
  const name = stateName(stems);
  const folder = join(state, name);
  try {
    makeFoldersSync(state);
    adoptRenamed(state, name);
    for (const made of [folder, join(folder, 'conf'), join(folder, 'spool')]) {
      makeFoldersSync(made, PRIVATE);
      if ((lstatSync(made).mode & 0o777) !== PRIVATE) chmodSync(made, PRIVATE);
    }
    showFiles(join(folder, 'conf'), files);
  } catch (error) {
    const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, `the state folder ${folder} cannot be used: ${messageOf(error)}`, { cause: error });
  }
  return folder;
}

/** A folder of the right md5 with another animal is ours (SPEC 9). */
function adoptRenamed(state: string, name: string): void {
  const md5 = name.slice(name.indexOf('-'));
  const there = readdirSync(state).filter((entry) => entry.endsWith(md5));
  const [other] = there;
  if (other === undefined || there.includes(name)) return;
  try {
    renameSync(join(state, other), join(state, name));
  } catch (error) {
    // Another scheduler of this configuration may have renamed it just now; the lock decides between the two.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** One link per file; a name that is taken gets its folder's name in front. What is no link is left alone. */
function showFiles(conf: string, files: readonly string[]): void {
  const wanted = new Map<string, string>();
  for (const file of files) {
    const short = basename(file);
    const long = `${basename(dirname(file))}-${short}`;
    wanted.set([short, long].find((name) => !wanted.has(name)) ?? `${wanted.size}-${long}`, file);
  }
  for (const entry of readdirSync(conf, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    if (readlinkSync(join(conf, entry.name)) === wanted.get(entry.name)) wanted.delete(entry.name);
    else rmSync(join(conf, entry.name), { force: true });
  }
  for (const [name, file] of wanted) {
    try {
      symlinkSync(file, join(conf, name));
    } catch (error) {
      // Something else of that name, or another process that made the same link: these links are for people only.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}
