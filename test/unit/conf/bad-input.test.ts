/** Every bad input gives its message, with file, line, column, key path, what was expected and what was found. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FateError } from '../../../src/errors.ts';
import type { Problem } from '../../../src/types.ts';
import { badContexts } from '../../fixtures/conf/bad-contexts.ts';
import { badDefaults } from '../../fixtures/conf/bad-defaults.ts';
import { badFiles } from '../../fixtures/conf/bad-files.ts';
import type { BadInput } from '../../fixtures/conf/bad-input.ts';
import { badTasks } from '../../fixtures/conf/bad-tasks.ts';
import { badValues } from '../../fixtures/conf/bad-values.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';

const tables: Readonly<Record<string, readonly BadInput[]>> = {
  badFiles,
  badTasks,
  badValues,
  badDefaults,
  badContexts,
};

for (const [table, inputs] of Object.entries(tables)) {
  describe(table, () => {
    for (const { name, files, messages, code } of inputs) {
      test(name, async (t) => {
        const folder = makeFolder(t, files);
        let problems: readonly Problem[];
        let thrown: string | null = null;
        try {
          const configuration = await folder.load();
          problems = configuration.problems;
          const told = new Set(problems.map((problem) => problem.task));
          assert.deepEqual(
            configuration.tasks.filter((task) => told.has(task.name)),
            [],
            'no task with an error is accepted',
          );
        } catch (error) {
          if (!(error instanceof FateError)) throw error;
          problems = error.problems;
          thrown = error.code;
        }
        assert.deepEqual(folder.texts(problems), messages);
        assert.equal(thrown, code);
      });
    }
  });
}

test('the tables hold at least 80 bad inputs, in both formats', () => {
  const all = Object.values(tables).flat();
  const inFormat = (suffix: string) =>
    all.filter(({ files }) => Object.keys(files).some((file) => file.endsWith(suffix)));
  assert.ok(all.length >= 80, `${all.length}`);
  assert.ok(inFormat('.toml').length >= 30, `${inFormat('.toml').length} in TOML`);
  assert.ok(inFormat('.yaml').length >= 30, `${inFormat('.yaml').length} in YAML`);
});
