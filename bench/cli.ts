/** `fate --help` against an empty Node script: the best of 20 each, one after the other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repo } from '../test/helpers/repo.ts';
import { measure, ratio, tell, withPrefix } from './measure.ts';

await withPrefix({}, async (prefix) => {
  const empty = join(prefix.root, 'empty.mjs');
  writeFileSync(empty, '');
  const times = { help: Number.POSITIVE_INFINITY, empty: Number.POSITIVE_INFINITY };
  for (let i = 0; i < 20; i += 1) {
    times.help = Math.min(times.help, (await measure(process.execPath, [join(repo, 'dist/fate.js'), '--help'])).wall);
    times.empty = Math.min(times.empty, (await measure(process.execPath, [empty])).wall);
  }
  const ms = (value: number): string => `${(value * 1000).toFixed(0)} ms`;
  tell(
    'fate --help / an empty Node script',
    `${ms(times.help)} / ${ms(times.empty)} = ${ratio(times.help / times.empty)}`,
  );
});
