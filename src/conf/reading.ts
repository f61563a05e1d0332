/** One configuration file, from its bytes to a parsed document or the problems that stand against it. For load. */
import type { Problem } from '../types.ts';
import { type Document, emptyDocument, type Fault } from './document.ts';
import { styleOf } from './files.ts';
import { readText } from './text.ts';
import { parseTomlFile } from './toml-file.ts';
import { parseYamlFile } from './yaml-file.ts';

/** What came of one file. */
export interface Read {
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

/** Reads and parses one file in the format of its name; never rejects. */
export async function readDocument(file: string): Promise<Read> {
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
