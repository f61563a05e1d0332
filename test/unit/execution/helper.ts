/** The exec helper for the tests, which is compiled once where the build did not make it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { execHelper } from '../../../src/execution/exec-helper.ts';
import { repo } from '../../helpers/repo.ts';

async function compiled(): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-exec-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const { buildExecHelper, execHelperName } = await import(join(repo, 'packaging/scripts/exec-helper.mjs'));
  return buildExecHelper(folder) === null ? join(folder, execHelperName()) : null;
}

/** Null where there is no compiler. */
export const helper: string | null = execHelper() ?? (await compiled());

/** For the `skip` of tests that cannot do without. */
export const withoutHelper: string | false = helper === null ? 'there is no compiler for the exec helper' : false;

export const withoutRoot: string | false = process.getuid?.() === 0 ? false : 'only root can take another user';
