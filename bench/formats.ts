/** What `format.result: auto` costs on 20 MB of plain lines and of one JSON array, and how long the loop is blocked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { detectFile } from '../src/output/detect.ts';
import { measurePass, median, seconds, tell, withPrefix } from './measure.ts';

const SIZE = 20_000_000;
const line = 'Nov 22 03:14:15 host program[123]: something happened that is worth a line of text\n';
const item = '{"time": "2026-11-22T03:14:15Z", "value": 12.5, "labels": ["a", "b"]}';
const outputs = {
  'plain lines': line.repeat(Math.ceil(SIZE / line.length)),
  'one JSON array': `[${Array.from({ length: Math.ceil(SIZE / item.length) }, () => item).join(',\n')}]`,
};

for (const [name, text] of Object.entries(outputs)) {
  await withPrefix({}, async (prefix) => {
    const file = join(prefix.root, 'output');
    writeFileSync(file, text);
    const cpu = async (format: string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 3; i += 1) {
        prefix.write(
          'tasks.toml',
          `[t]\nschedule = "* * * * *"\nexec = ["cat", "${file}"]\nformat.result = "${format}"\n`,
        );
        times.push((await measurePass(prefix)).cpu);
      }
      return median(times);
    };
    const [auto, raw] = [await cpu('auto'), await cpu('')];
    tell(
      `20 MB of ${name}: CPU of a pass with auto / with ''`,
      `${seconds(auto)} / ${seconds(raw)}: ${seconds(auto - raw)} more`,
    );
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const found = await detectFile(file, text.length, { kind: 'auto' });
    delay.disable();
    tell(
      `20 MB of ${name}: found ${found.ext || 'no format'}; the loop was blocked at most`,
      `${(delay.max / 1e6).toFixed(0)} ms`,
    );
  });
}
