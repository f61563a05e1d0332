/** `fate init conf`: the commented example files, in the configuration folder. Plans only. */
import { basename, join } from 'node:path';
import { findDropIns, findNamed } from '../../conf/files.ts';
import { unsafeParts } from '../../conf/safety.ts';
import { errnoOf, FateError, messageOf } from '../../errors.ts';
import { exampleText, type Format } from './texts.ts';
import { isNew, type Plan, type Scope, type There, type Wanted } from './wanted.ts';

export interface ConfQuestion {
  /** Absolute. */
  readonly folder: string;
  readonly scope: Scope;
  /** Null: that of the files that are there, else toml. */
  readonly format: Format | null;
  /** Where this Fate is installed. */
  readonly root: string;
  /** The words to check that configuration with. */
  readonly check: string;
  readonly uid: number;
}

/** @throws FateError FATAL, PATH_ACCESS */
export async function planConf({ folder, scope, format, root, check, uid }: ConfQuestion): Promise<Plan> {
  const found = { tasks: await named(folder, 'tasks'), defaults: await named(folder, 'defaults') };
  const used = [...found.tasks, ...found.defaults].map((file): Format => (file.endsWith('.toml') ? 'toml' : 'yaml'));
  const chosen = format ?? used[0] ?? 'toml';
  const items = (['tasks', 'defaults'] as const).map((name): Wanted | There => {
    const path = join(folder, `${name}.${chosen}`);
    // A second format of one name would stop every start (SPEC 3, exit status 64).
    const other = found[name].find((file) => file !== path);
    if (other !== undefined) return { part: 'conf', path, there: `as ${basename(other)}` };
    return { part: 'conf', path, content: { text: exampleText(root, name, chosen) }, scope, keepOld: true };
  });
  const dropIns = found.tasks.length === 0 ? (await findDropIns(join(folder, 'tasks.d'), null)).files : [];
  const [tasks] = items;
  if (tasks !== undefined && dropIns.length > 0) items[0] = { part: 'conf', path: tasks.path, there: 'as tasks.d' };

  return {
    items,
    async hints(done) {
      const paths = done.filter(isNew).flatMap(({ path }) => path ?? []);
      const unsafe = uid === 0 ? await unsafeParts(paths) : [];
      return [
        ...unsafe.map(({ file, message }) => `${file}: ${message}, and so a scheduler of root refuses it`),
        ...paths.slice(0, 1).map((path) => `edit ${path}, then: ${check}`),
      ];
    },
  };
}

async function named(folder: string, name: string): Promise<string[]> {
  try {
    return await findNamed(folder, name);
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    throw new FateError('PATH_ACCESS', `cannot look into ${folder}: ${messageOf(error)}`, { cause: error });
  }
}
