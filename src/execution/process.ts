/**
 * The start of a run's process: by the exec helper, which gives it its context; where that is missing, by what stands in for
 * it, or plainly. Promises launch.ts a child or one sentence, and that nothing throws.
 */
import { closeSync } from 'node:fs';
import { getPriority } from 'node:os';
import { errnoOf } from '../errors.ts';
import type { Child, Native, ProcessContext, RunGroup } from '../types.ts';
import { heldHelper, helperArgv } from './exec-helper.ts';
import { wrap } from './exec-wrapper.ts';
import { explainFailure, whyInvalid, whyNotRunnable } from './failure.ts';
import { type Complaint, openReport } from './report.ts';

export interface Start {
  readonly native: Native;
  /** The file to run: absolute, or it holds a `/`. */
  readonly program: string;
  /** argv[0] first. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly context: ProcessContext;
  readonly group: RunGroup | null;
  /** Null: without. */
  readonly helper: string | null;
  /** What becomes its descriptors, from 0. */
  readonly fds: readonly number[];
}

export interface Started extends Child {
  /** What could not be done before the program ran, or why it did not run. To be asked once, when the process has ended. */
  complaints(): Complaint[];
}

/** The started process, or why there is none. */
export function startProcess(s: Start): Started | string {
  if (s.program === '') return 'no program is named';
  const file = [s.program, ...s.argv.slice(1)];
  try {
    if (s.helper !== null) {
      const started = withHelper(s, s.helper);
      if (started !== null) return started;
    }
    return needsNothing(s) ? plainly(s) : (whyInvalid(file, s.env) ?? whyNotRunnable(s.program) ?? wrapped(s));
  } catch (error) {
    return explainFailure(error, file, s.env);
  }
}

function withHelper(s: Start, helper: string): Started | null {
  const argv = helperArgv(s.context, s.group?.path ?? null, s.program, s.argv);
  const held = heldHelper(helper);
  try {
    if (held === null) return reporting(s, helper, argv, s.env);
    // After the report's; the helper closes all but the task's own.
    return reporting(s, `/proc/self/fd/${s.fds.length + 1}`, argv, s.env, [held]);
  } catch (error) {
    // It was there, and is not now, or is one for another machine; the task is the same without it.
    if (['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC', 'ETXTBSY'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

function needsNothing({ context, group }: Start): boolean {
  return group === null && Object.values(context).every((value) => value === null);
}

/** What a text file is run by that has no first line `#!`, as execvp(3) does. */
function plainly({ native, program, argv, env, fds }: Start): Started {
  try {
    return { ...native.spawn({ file: program, argv, env, fds }), complaints: () => [] };
  } catch (error) {
    if (errnoOf(error) !== 'ENOEXEC') throw error;
    const file = '/bin/sh';
    return { ...native.spawn({ file, argv: [file, program, ...argv.slice(1)], env, fds }), complaints: () => [] };
  }
}

function wrapped(s: Start): Started | string {
  const { nice } = s.context;
  const command = [s.program, ...s.argv.slice(1)];
  const made = wrap(s.context, nice === null ? null : nice - getPriority(), s.group?.path ?? null, command, s.env);
  if (typeof made === 'string') return made;
  const [file = ''] = made.argv;
  if (made.script === null) return reporting(s, file, made.argv, made.env);
  const script = s.native.memoryFile('fate-env', made.script);
  try {
    return reporting(s, file, made.argv, made.env, [script]);
  } finally {
    closeSync(script);
  }
}

/** With a descriptor 5 to complain to, and more after it. */
function reporting(
  { native, fds }: Start,
  file: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  more: readonly number[] = [],
): Started {
  const report = openReport(native);
  try {
    const child = native.spawn({ file, argv, env, fds: [...fds, report.fd, ...more] });
    report.release();
    return { ...child, complaints: report.read };
  } catch (error) {
    report.close();
    throw error;
  }
}
