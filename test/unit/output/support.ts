/** Outputs, folders and archives for the tests of results. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { pack } from 'tar-stream';
import type { ResultSource } from '../../../src/output/result.ts';
import type { Identity, ResultFormat, Task, Template } from '../../../src/types.ts';
import { makeTask, NO_CONTEXT } from '../../helpers/tasks.ts';

export const ENDED = Date.UTC(2026, 2, 4, 5, 6, 7, 890);
export const SECONDS = Math.floor(ENDED / 1000);
/** The base name of a result of the task `disk`. */
export const NAME = `result-${SECONDS}-20260304T060607-disk`;

export function makeFolder(t: TestContext, base = tmpdir()): string {
  const folder = mkdtempSync(join(base, 'fate-output-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Given {
  readonly format?: ResultFormat;
  /** `path.result`: text in which %label%, %ext%, %default% are replaced; null records nothing. */
  readonly path?: string | null | (() => string);
  readonly onConflict?: Task['onConflict'];
  /** The task's user. */
  readonly owner?: Identity;
  readonly umask?: number;
  /** Where the spool is, when not in the folder. */
  readonly spool?: string;
}

function templateOf(text: string | (() => string)): Template {
  return {
    source: String(text),
    render(scope) {
      if (typeof text === 'function') return text();
      const { label = '', ext = '', defaultPath = '' } = 'label' in scope ? scope : {};
      return text.replaceAll('%label%', label).replaceAll('%ext%', ext).replaceAll('%default%', defaultPath);
    },
  };
}

/** A finished run of the task `disk` with this output, and `<folder>/result` as the default folder. */
export function sourceOf(folder: string, output: string | Uint8Array, given: Given = {}): ResultSource {
  const spool = given.spool ?? join(folder, 'spool');
  mkdirSync(spool, { recursive: true });
  const file = join(spool, 'stdout');
  rmSync(file, { force: true });
  writeFileSync(file, output, { mode: 0o600 });
  const { path } = given;
  const task = makeTask('disk', {
    formatResult: given.format ?? { kind: 'auto' },
    onConflict: given.onConflict ?? 'rename',
    context: { ...NO_CONTEXT, umask: given.umask ?? null },
    resultPath:
      path === undefined
        ? { kind: 'default' }
        : path === null
          ? { kind: 'none' }
          : { kind: 'template', template: templateOf(path) },
  });
  const host = { name: 'host', id: '', cpus: 1, memory: 1 << 30, uid: 0, boot: { kernel: '', id: '', at: 0 } };
  return {
    file,
    size: Buffer.byteLength(output),
    task,
    scope: { env: {}, taskName: 'disk', zone: null, now: ENDED, due: ENDED, attempt: 0, runId: 'r', host },
    endedAt: ENDED,
    resultFolder: join(folder, 'result'),
    spool,
    owner: given.owner ?? null,
    // As if the zone were an hour east of Greenwich.
    stamp: (at) => new Date(at + 3_600_000).toISOString().replaceAll(/[-:]/g, '').slice(0, 15),
  };
}

/** All files below a folder, relative, hidden ones too. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

export type Entry = readonly [name: string, content?: string | Uint8Array, header?: object];

/** A tar with these members; a name that ends in `/` is a folder. */
export async function tarOf(...entries: readonly Entry[]): Promise<Buffer> {
  const packer = pack();
  for (const [name, content = '', header = {}] of entries) {
    const type = name.endsWith('/') ? 'directory' : 'file';
    const body = type === 'directory' || 'linkname' in header ? '' : content;
    packer.entry({ name, type, mtime: new Date(0), ...header }, Buffer.from(body));
  }
  packer.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packer) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** One header block, by hand: fields at their offsets, the checksum put right. */
export function headerOf(fields: {
  name: string;
  size?: string;
  type?: string;
  prefix?: string;
  magic?: string;
}): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name, 0, 100);
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  block.write(fields.size ?? '00000000000\0', 124, 12, 'latin1');
  block.write('00000000000\0', 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.type ?? '0', 156, 'latin1');
  block.write(fields.magic ?? 'ustar\x0000', 257, 'latin1');
  block.write(fields.prefix ?? '', 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

export const octal = (size: number): string => `${size.toString(8).padStart(11, '0')}\0`;

/** A body, filled up to whole blocks. */
export function blocks(content: string | Uint8Array): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

export function writeOutput(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
