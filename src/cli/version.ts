/** The version of the installed package, from its package.json, which stands above the program. */
import { readFileSync } from 'node:fs';

export function readVersion(): string {
  for (let url = new URL('../package.json', import.meta.url), depth = 0; depth < 4; depth += 1) {
    try {
      const { name, version } = JSON.parse(readFileSync(url, 'utf8'));
      if (name === 'fate-scheduler') return version;
    } catch {
      // Not here: one folder further up.
    }
    url = new URL('../../package.json', url);
  }
  return 'unknown';
}
