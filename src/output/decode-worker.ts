/**
 * The thread that looks into large outputs for the decoder: reads a file from front to back and says whether it is of a
 * format. It keeps nothing between two questions; what it cannot do in its memory ends it, which means no.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { createCsvScanner } from './csv-scanner.ts';
import { createJsonScanner } from './json-scanner.ts';

export interface Question {
  readonly format: 'csv' | 'json' | 'toml' | 'yaml';
  readonly file: string;
}
/** `ready` comes when the work itself begins, so that a time limit does not count the loading. */
export type Answer = 'ready' | boolean;

const CHUNK = 256 * 1024;

async function answer({ format, file }: Question): Promise<boolean> {
  if (format === 'json' || format === 'csv') {
    parentPort?.postMessage('ready' satisfies Answer);
    return scan(format, file);
  }
  const { isToml, isYaml } = await import('./formats-recognition.ts');
  parentPort?.postMessage('ready' satisfies Answer);
  const bytes = readFileSync(file);
  if (!isUtf8(bytes) || bytes.includes(0)) return false;
  return (format === 'toml' ? isToml : isYaml)(bytes.toString('utf8'));
}

function scan(format: 'csv' | 'json', file: string): boolean {
  const scanner = format === 'json' ? createJsonScanner() : createCsvScanner();
  const buffer = Buffer.allocUnsafe(CHUNK);
  const fd = openSync(file, 'r');
  try {
    for (;;) {
      const length = readSync(fd, buffer, 0, CHUNK, null);
      if (length === 0) break;
      if (!scanner.push(buffer.subarray(0, length))) return false;
    }
  } finally {
    closeSync(fd);
  }
  const verdict = scanner.end();
  return verdict === true || verdict === 'value';
}

parentPort?.on('message', async (question: Question) => {
  let found: Answer = false;
  try {
    found = await answer(question);
  } catch {
    // A file that cannot be read here is of no format; who records it will say why.
  }
  parentPort?.postMessage(found);
});
