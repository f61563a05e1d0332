/** The texts that lie in the installation beside the programs, for `fate init`: example files and units. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FateError, messageOf } from '../../errors.ts';
import type { Scope } from './wanted.ts';

export type Format = 'toml' | 'yaml';

/** @throws FateError FATAL where the installation lacks it */
export function exampleText(root: string, name: 'tasks' | 'defaults', format: Format): string {
  return read(join(root, 'packaging/init', `${name}.${format}`));
}

/** With its placeholders. @throws FateError FATAL where the installation lacks it */
export function unitTemplate(root: string, scope: Scope): string {
  return read(join(root, 'systemd', scope === 'user' ? 'user/fated.service' : 'fated.service'));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FateError('FATAL', `this installation lacks one of its files: ${messageOf(error)}`, { cause: error });
  }
}
