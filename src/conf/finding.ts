/** Which files a configuration is made of, and the errors of having none or too many (SPEC 3). For load. */
import { basename, join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import type { Problem } from '../types.ts';
import { findDropIns, findNamed, SUFFIXES } from './files.ts';

/** Without suffix; drop-ins are in `<task>.d`. */
export interface Names {
  readonly task: string;
  readonly defaults: string;
}

export interface Found {
  /** `tasks` and `defaults`, those that are there. */
  readonly main: readonly string[];
  readonly defaults: string | null;
  readonly dropIns: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The files of the configuration in a folder.
 * @throws FateError CONF_AMBIGUOUS, CONF_MISSING, NOT_PERMITTED, FATAL
 */
export async function findConfiguration(conf: string, names: Names, packaged: string | null): Promise<Found> {
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
    throw new FateError('CONF_MISSING', `there are no tasks in ${conf}; fate init conf ${conf} makes examples`, {
      problems,
    });
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

/** An error about a whole file. */
export function problemOf(kind: Problem['kind'], file: string, message: string): Problem {
  return Object.freeze({ severity: 'error', kind, file, path: Object.freeze([]), message });
}
