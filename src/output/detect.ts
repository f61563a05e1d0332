/**
 * Tells the suffix of an output and whether it is to be unpacked (SPEC 8). What an output is not shows in its first bytes,
 * mostly; small ones are read here, and only what is left goes to the worker, so that the loop is never held up.
 */
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import type { Bytes, ResultFormat } from '../types.ts';
import { examineArchive } from './archive.ts';
import { createCsvScanner } from './csv-scanner.ts';
import { askDecoder } from './decoder.ts';
import { type Detection, decide, type Probes } from './detection.ts';
import { TEXT_LIMIT } from './formats.ts';
import { isToml, isYaml } from './formats-recognition.ts';
import { createJsonScanner } from './json-scanner.ts';

/** What is read of an output to begin with. */
const HEAD: Bytes = 64 * 1024;
/** Longer TOML and YAML is left to the worker: a hostile 8 KiB take some 20 ms. */
const TEXT_ON_LOOP: Bytes = 8 * 1024;

/** Rejects only when the file cannot be read. */
export async function detectFile(file: string, size: Bytes, format: ResultFormat): Promise<Detection> {
  const head = format.kind === 'raw' ? Buffer.alloc(0) : await readHead(file);
  return decide(format, probesOf(file, size, head));
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(HEAD);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, HEAD - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === HEAD) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

function probesOf(file: string, size: Bytes, head: Buffer): Probes {
  const whole = size <= head.length;
  return {
    tar: () => examineArchive(file, head),
    async text(format) {
      if (format === 'json' || format === 'csv') {
        const scanner = format === 'json' ? createJsonScanner() : createCsvScanner();
        if (!scanner.push(head)) return false;
        if (!whole) return askDecoder({ format, file });
        const verdict = scanner.end();
        return verdict === true || verdict === 'value';
      }
      if (size > TEXT_LIMIT) return 'too long';
      if (head.includes(0) || !isUtf8(whole ? head : wholeCharacters(head))) return false;
      if (size > TEXT_ON_LOOP) return askDecoder({ format, file });
      return (format === 'toml' ? isToml : isYaml)(head.toString('utf8'));
    },
  };
}

/** Without the last character, where the bytes may end within it. */
function wholeCharacters(bytes: Buffer): Buffer {
  let end = bytes.length;
  for (let back = 1; back <= 4 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      end = bytes.length - back;
      break;
    }
  }
  return bytes.subarray(0, end);
}
