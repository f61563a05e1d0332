/** 1 GB of stdout recorded as a result against `cmd | cat > file`; peak memory for 10 MB and for 1 GB. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { measure, measurePass, median, ratio, seconds, tell, withPrefix } from './measure.ts';

const sizes = { '10 MB': 10_000_000, '1 GB': 1_000_000_000 };

for (const [name, bytes] of Object.entries(sizes)) {
  const config = `[big]\nschedule = "* * * * *"\nexec = ["head", "-c", "${bytes}", "/dev/zero"]\nformat.result = ""\n`;
  await withPrefix({ 'tasks.toml': config }, async (prefix) => {
    const runs: { fate: number; cat: number; synced: number; peak: number }[] = [];
    const file = join(prefix.root, 'file');
    for (let i = 0; i < 3; i += 1) {
      const pass = await measurePass(prefix);
      rmSync(join(prefix.paths.data, 'result'), { recursive: true });
      const cat = await measure('sh', ['-c', `head -c ${bytes} /dev/zero | cat > ${file}`]);
      const synced = await measure('sh', ['-c', `head -c ${bytes} /dev/zero | cat > ${file}; sync ${file}`]);
      rmSync(file);
      runs.push({ fate: pass.wall, cat: cat.wall, synced: synced.wall, peak: pass.peak });
    }
    const [fate, cat, synced] = [
      median(runs.map((r) => r.fate)),
      median(runs.map((r) => r.cat)),
      median(runs.map((r) => r.synced)),
    ];
    tell(
      `${name} recorded by a whole pass / cmd | cat > file`,
      `${seconds(fate)} / ${seconds(cat)}: speed ${ratio(cat / fate)}`,
    );
    tell(
      `${name} recorded by a whole pass / cmd | cat > file; sync file`,
      `${seconds(fate)} / ${seconds(synced)}: speed ${ratio(synced / fate)}`,
    );
    tell(`peak memory of the scheduler with ${name}`, `${Math.max(...runs.map((r) => r.peak)).toFixed(0)} MB`);
  });
}
