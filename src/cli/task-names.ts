/**
 * What `fate list --names` does: the names of the configured tasks, one per line, for completions. Quick: the files are found
 * and parsed as at a start, but no task is judged, and neither the ledger nor the daemon is asked.
 */
import type { Document } from '../conf/document.ts';
import { findConfiguration } from '../conf/finding.ts';
import { readDocument } from '../conf/reading.ts';
import { unsafeParts } from '../conf/safety.ts';
import { isMapping } from '../conf/schema-parts.ts';
import { FateError } from '../errors.ts';
import type { ListArguments } from './commands/list.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { printJson } from './json.ts';

export async function listNames(args: ListArguments): Promise<number> {
  const names = await configuredNames(args);
  if (args.json) printJson(names);
  else process.stdout.write(names.map((name) => `${name}\n`).join(''));
  return 0;
}

/**
 * In the order written, each once, also of tasks that are invalid or not enabled, but not what is no name at all.
 * @throws FateError as `loadConfiguration` does, but for the values of the defaults file, which nobody looks at here
 */
async function configuredNames(args: ListArguments): Promise<readonly string[]> {
  const { conf, names, packaged, host } = loadOptionsFor(pathsFor(args));
  const found = await findConfiguration(conf, names, packaged);
  const unsafe = host.uid === 0 ? await unsafeParts([...found.main, ...found.dropIns]) : [];
  if (unsafe.length > 0) throw new FateError('CONF_UNSAFE', `others than root can write the configuration in ${conf}`);
  const main = await Promise.all(found.main.map(readDocument));
  for (const { file, failure, problems } of main) {
    if (failure === null) continue;
    throw new FateError(failure, `${file} ${failure === 'CONF_SYNTAX' ? 'cannot be parsed' : 'cannot be read'}`, {
      problems,
    });
  }
  const documents = main.filter(({ file }) => file !== found.defaults).map(({ document }) => document);
  const wrong = documents.find((document) => document !== null && !holdsTasks(document));
  if (wrong) throw new FateError('CONF_INVALID', `${wrong.file} holds no tasks`);
  // One after the other, so that a folder of thousands does not take as many descriptors.
  for (const file of found.dropIns) documents.push((await readDocument(file)).document);
  const all = documents.flatMap((document) => (document !== null && holdsTasks(document) ? document.keys : []));
  return [...new Set(all)].filter((name) => name !== 'ext' && !name.startsWith('x-') && PLAIN.test(name));
}

/** What a name is made of (SPEC 3.1): another can be no task, and a line or a shell might take it for something else. */
const PLAIN = /^(?![.-])[\p{L}\p{M}\p{Nd}._\-@:+]+$/u;

const holdsTasks = ({ value }: Document): boolean => value === null || isMapping(value);
