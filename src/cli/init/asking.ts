/** Asks one question of `fate init` on a terminal and takes the question away again once it is answered. */
import type { ReadStream, WriteStream } from 'node:tty';
import { differences } from './diff.ts';
import { readKey } from './keys.ts';
import { eraseLine, type Look, questionOf } from './screen.ts';
import type { Standing, Wanted } from './wanted.ts';

export type Answer = 'yes' | 'no' | 'quit' | 'interrupt';

export interface Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly look: Look;
  /** Whether it takes away what was written (TERM is not dumb). */
  readonly erases: boolean;
}

const HELP = {
  make: ['  y, Enter  make it', '  n         leave it out', '  q         leave this and all the rest as it is'],
  replace: [
    '  y         replace it',
    '  n, Enter  leave it as it is',
    '  d         show how it differs',
    '  q         leave this and all the rest as it is',
  ],
} as const;
const KEYS = { make: 'ynq?', replace: 'yndq?' } as const;

export async function ask(wanted: Wanted, standing: Standing, terminal: Terminal): Promise<Answer> {
  const { input, output, look, erases } = terminal;
  const kind = standing.is === 'missing' ? 'make' : 'replace';
  const what = standing.is === 'differs' ? standing.what : null;
  const question = questionOf(wanted.path, what, kind, look);
  for (let text = question; ; ) {
    const key = await readKey(input, KEYS[kind], () => output.write(text));
    const answer = answerOf(key, kind);
    if (answer !== null) {
      output.write(erases ? eraseLine(question, output.columns || 80) : '\n');
      return answer;
    }
    const more = key === 'd' ? differences(wanted).map((line) => paintDiff(line, look)) : HELP[kind];
    text = `\n${more.join('\n')}\n${question}`;
  }
}

function answerOf(key: string, kind: 'make' | 'replace'): Answer | null {
  switch (key) {
    case 'y':
      return 'yes';
    case 'n':
      return 'no';
    case 'q':
      return 'quit';
    case 'enter':
      return kind === 'make' ? 'yes' : 'no';
    case 'interrupt':
      return 'interrupt';
    default:
      return null;
  }
}

function paintDiff(line: string, { colour }: Look): string {
  const code = line.startsWith('+') ? 32 : line.startsWith('-') ? 31 : line.startsWith('@') ? 36 : null;
  return colour && code !== null ? `\u001b[${code}m${line}\u001b[39m` : line;
}
