/** The report of `fate debug`, for people: name, command, status, result by label and format, log (SPEC 13). */
import { open } from 'node:fs/promises';
import { statusOf } from '../execution/status.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { Exit, Task } from '../types.ts';

const SHOWN_RESULT = 300;
const SHOWN_LOG = 4_000;

export interface Reported {
  readonly name: string;
  readonly command: readonly string[];
  readonly exit: Exit;
  readonly task: Task;
  readonly results: readonly { label: string; ext: string; size: number; file: string; path: string | null }[];
  readonly stdout: string;
  readonly stderr: string;
  /** Files that the outputs are written to: they are named in place of their text. */
  readonly hidden: { readonly stdout: string | null; readonly stderr: string | null };
}

export async function printReport(r: Reported): Promise<void> {
  const { status } = statusOf(r.exit, r.task.successExit);
  const parts = [
    `Name: ${r.name}`,
    `Command: ${r.command.map(quoted).join(' ')}`,
    `Status: ${status} (${how(r.exit)})`,
  ];
  parts.push(...(await results(r)));
  const log = r.hidden.stderr === null ? await excerpt(r.stderr, SHOWN_LOG) : `[see ${r.hidden.stderr}]`;
  if (log !== '') parts.push(titled('Logged (standard error)', log.replaceAll('\0', '\n')));
  process.stdout.write(`${parts.join('\n\n')}\n`);
}

async function results({ hidden, exit, results: recorded, stdout }: Reported): Promise<string[]> {
  if (hidden.stdout !== null) return [`Result: [see ${hidden.stdout}]`];
  if (recorded.length > 0) {
    return Promise.all(
      recorded.map(async ({ label, ext, file, path }) => {
        const kind = `[${[label, ext].filter(Boolean).join(' ') || 'unrecognised'}]`;
        return titled(path === null ? `Result ${kind}` : `Result ${kind} ${path}`, await excerpt(file, SHOWN_RESULT));
      }),
    );
  }
  return exit.stdoutBytes === 0
    ? ['Result: -']
    : [titled('Standard output, not a result', await excerpt(stdout, SHOWN_RESULT))];
}

function how({ failure, signal, code, duration, endedBy, left }: Exit): string {
  if (failure !== null) return failure;
  const ending = signal === null ? `exit status ${code}` : signal;
  const by = endedBy === 'itself' ? '' : `, ended by ${endedBy}`;
  const still = left === 0 ? '' : `, left ${left} ${left === 1 ? 'process' : 'processes'} running`;
  return `${ending}${by}, ${formatDuration(Math.round(duration))}${still}`;
}

function titled(title: string, text: string): string {
  const trimmed = text.trimEnd();
  return trimmed.includes('\n') ? `${title}:\n\n${trimmed.replaceAll(/^/gm, '  ')}` : `${title}: ${trimmed}`;
}

/** As one would type it in a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The first characters of a file; what is no text is called so. */
async function excerpt(file: string, characters: number): Promise<string> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(characters * 4), 0, characters * 4, 0);
    const bytes = buffer.subarray(0, bytesRead);
    if (new TextDecoder().decode(bytes, { stream: true }).includes('�'))
      return `<${(await handle.stat()).size} bytes, no text>`;
    const text = [...bytes.toString('utf8')];
    return text.length > characters ? `${text.slice(0, characters).join('')} …` : text.join('');
  } finally {
    await handle.close();
  }
}
