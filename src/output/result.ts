/**
 * Records the output of a good run as result files (SPEC 8): `prepareResults` does all that takes time and may fail, beside
 * the places; `publishResults` makes them appear. Neither rejects because of the output or the disk: problems tell it.
 */
import { basename, dirname, resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import type { Bytes, Identity, ResultFormat } from '../types.ts';
import { Anchors } from './anchors.ts';
import { archiveMembers, type Member } from './archive.ts';
import { detectFile } from './detect.ts';
import type { Compression } from './detection.ts';
import { type Beside, besideOf } from './result-beside.ts';
import {
  checkSpace,
  checkTarget,
  type Goal,
  isFull,
  linkBeside,
  reasonOf,
  type Written,
  writeAll,
  writeBeside,
} from './result-file.ts';
import { faultOfName, type Naming, type Place, placeResult, splitName } from './result-path.ts';

export { pruneResults } from './result-keep.ts';
export { publishResults } from './result-publish.ts';

export interface ResultSource extends Naming {
  /** Spool file with fd 1's bytes; it stays as it is, but may get a second name, and with it the result's owner and mode. */
  readonly file: string;
  readonly size: Bytes;
  /** The run's spool folder; what is made outside of it is noted there. */
  readonly spool: string;
  /** Whom the results are to belong to: the user of the task; null where it runs as the scheduler. */
  readonly owner: Identity | null;
}

export interface PreparedResult extends Written {
  readonly target: string;
  /** The end of the target's name, before which a number goes where it is taken. */
  readonly suffix: string;
  readonly label: string;
  readonly ext: string;
  readonly size: Bytes;
  readonly onConflict: 'rename' | 'replace';
  /** The uid of the task's user; null where it runs as the scheduler. */
  readonly owner: number | null;
}

export interface Preparation {
  prepared: PreparedResult[];
  /** Each says what was not recorded and why; the caller keeps the output. */
  problems: string[];
  warnings: string[];
}

/** More than these results of one archive are not recorded, so that memory and the log stay small. */
const MOST_RESULTS = 10_000;
/** Problems that are told one by one. */
const MOST_PROBLEMS = 100;
/** After so many bytes of members it is asked again how full the file system is. */
const BETWEEN_LOOKS: Bytes = 16 * 1024 * 1024;

/** Detects, unpacks, renders the path, writes beside the target and syncs. Never rejects. */
export async function prepareResults(source: ResultSource): Promise<Preparation> {
  const { task, file, size } = source;
  const progress = new Progress(source);
  if (task.resultPath.kind === 'none' || (size === 0 && isNothing(task.formatResult))) return progress.done();
  try {
    const { ext, archive, warning } = await detectFile(file, size, task.formatResult);
    if (warning !== null) progress.warnings.push(warning);
    if (archive) await unpack(source, ext.slice('.tar'.length) as Compression, progress);
    else await prepareOne(source, '', ext, progress, async (goal) => [await linkBeside(goal, file), size]);
  } catch (error) {
    progress.tell(`the result could not be recorded: ${reasonOf(error)}`);
  }
  await progress.anchors.close();
  return progress.done();
}

/** Empty output is no result for auto (SPEC 8), and no archive of results. */
function isNothing(format: ResultFormat): boolean {
  return format.kind === 'auto' || format.kind === 'archive';
}

/** What was prepared so far; problems past the first hundred are only counted. */
class Progress {
  readonly beside: Beside;
  readonly anchors: Anchors;
  readonly prepared: PreparedResult[] = [];
  readonly warnings: string[] = [];
  /** There is no space: nothing more needs to be tried. */
  full = false;
  readonly #problems: string[] = [];
  #untold = 0;

  constructor({ task, scope, spool, owner, resultFolder }: ResultSource) {
    const { umask } = task.context;
    this.beside = besideOf(scope.runId, spool, owner?.uid ?? null);
    this.anchors = new Anchors({ umask, resultFolder: resolve(resultFolder) }, owner);
  }

  tell(problem: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem);
    else this.#untold++;
  }

  done(): Preparation {
    const more = this.#untold === 0 ? [] : [`${this.#untold} more of its members are not recorded`];
    return { prepared: this.prepared, problems: [...this.#problems, ...more], warnings: this.warnings };
  }
}

/** `write` answers what it has written and its size. What cannot be recorded is told. */
async function prepareOne(
  source: ResultSource,
  label: string,
  ext: string,
  progress: Progress,
  write: (goal: Goal) => Promise<[Written, Bytes]>,
): Promise<void> {
  let place: Place | null;
  try {
    place = placeResult(source, label, ext);
  } catch (error) {
    progress.tell(`the result${label === '' ? '' : ` ${shown(label)}`} has no path: ${messageOf(error)}`);
    return;
  }
  if (place === null || place.target === '/dev/null') return;
  const { owner: user, task } = source;
  const { onConflict } = task;
  const owner = user?.uid ?? null;
  const { target } = place;
  try {
    const anchor = await progress.anchors.of(dirname(target), owner);
    await checkTarget(anchor.at(basename(target)), onConflict === 'replace' && !anchor.ours ? owner : null);
    const [written, size] = await write({ target, anchor, beside: progress.beside, user, umask: task.context.umask });
    progress.prepared.push({ ...written, ...place, label, ext, size, onConflict, owner });
    faultPoint('result.prepared');
  } catch (error) {
    progress.tell(`${target} could not be written: ${reasonOf(error)}`);
    progress.full = isFull(error);
  }
}

async function unpack(source: ResultSource, compression: Compression, progress: Progress): Promise<void> {
  const account = { unlooked: BETWEEN_LOOKS };
  try {
    for await (const member of archiveMembers(source.file, compression)) {
      if (member.kind === 'folder') continue;
      const fault = member.kind === 'file' ? faultOfName(member.name) : `it is a ${member.kind}`;
      if (fault !== null) progress.tell(`member ${shown(member.name)} of the archive is refused: ${fault}`);
      else if (progress.prepared.length === MOST_RESULTS) {
        progress.tell(`the archive has more than ${MOST_RESULTS} results, and the others are not recorded`);
        return;
      } else {
        const { label, ext } = splitName(member.name);
        await prepareOne(source, label, ext, progress, (goal) => writeMember(member, goal, account));
        if (progress.full) return;
      }
    }
  } catch (error) {
    progress.tell(`the archive could not be read to its end: ${reasonOf(error)}`);
  }
}

/** `account.unlooked`: bytes written since it was last asked how full the file system is. */
async function writeMember(member: Member, goal: Goal, account: { unlooked: Bytes }): Promise<[Written, Bytes]> {
  let size = 0;
  const written = await writeBeside(goal, async (file) => {
    let failure: unknown = null;
    for await (const chunk of member.body) {
      // After a failure the rest is still read: to leave this loop would end the whole archive.
      if (failure !== null) continue;
      try {
        account.unlooked += chunk.length;
        if (account.unlooked >= BETWEEN_LOOKS) {
          account.unlooked = 0;
          await checkSpace(goal.anchor.at('.'));
        }
        await writeAll(file, chunk);
        size += chunk.length;
      } catch (error) {
        failure = error;
        if (isFull(error)) break;
      }
    }
    if (failure !== null) throw failure;
  });
  return [written, size];
}

function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
