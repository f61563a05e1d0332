/** One record as one line (SPEC 10): for programs and files, as JSON, or for a person at a terminal. Pure. */
import { LEVELS, type Level } from '../types.ts';
import type { LogRecord } from './record.ts';
import { localTime, shortTime } from './time.ts';
import { escapeText, JSON_TEXT, type Notation, RECORD_BUDGET, render, TOML } from './values.ts';

/** Makes a line, with its newline at the end and nowhere else. */
export type Formatter = (record: LogRecord) => string;

export interface TextStyle {
  /** `<1>` … `<5>` in front, for who reads a stream and not a terminal. */
  readonly numbered: boolean;
}

/** As syslog(3) counts: debug 7, info 6, warning 4, error 3, critical 2. */
export const PRIORITIES: Readonly<Record<Level, number>> = { debug: 7, info: 6, warning: 4, error: 3, critical: 2 };

/** The environment variables of a terminal. */
export type TerminalEnv = Readonly<Record<string, string | undefined>>;

type Fields = readonly (readonly [string, unknown])[];
const fieldsOf = ({ level, event, session, task, run, msg, time, rest, own }: LogRecord): Fields => [
  ['time', localTime(time)],
  ['level', level],
  ['event', event],
  ['session', session],
  ['task', task],
  ['run', run],
  ['msg', msg],
  ...rest,
  ...own,
];

function fieldsIn(notation: Notation, entries: Fields): string[] {
  const budget = { left: RECORD_BUDGET };
  const fields: string[] = [];
  for (const [name, value] of entries) {
    if (value === undefined || (value === null && notation.leavesOutNull)) continue;
    fields.push(`${notation.key(name)}${notation.is}${render(value, notation, budget)}`);
  }
  return fields;
}

/** `<n> time="…" level="info" event="…" … status="OK"`: pairs of a key and a value of TOML, with one space between. */
export function textFormatter({ numbered }: TextStyle): Formatter {
  return (record) => {
    const fields = fieldsIn(TOML, fieldsOf(record)).join(' ');
    return numbered ? `<${LEVELS.indexOf(record.level) + 1}> ${fields}\n` : `${fields}\n`;
  };
}

/** The same for a stream that the journal reads, which takes the level off again: `<6>` as sd-daemon(3) has it. */
export function priorityFormatter(format: Formatter): Formatter {
  return (record) => `<${PRIORITIES[record.level]}>${format(record)}`;
}

/** One JSON object. */
export function jsonFormatter(): Formatter {
  return (record) => `{${fieldsIn(JSON_TEXT, fieldsOf(record)).join(',')}}\n`;
}

const LOOKS: Readonly<Record<Level, { symbol: string; ascii: string; colour: string }>> = {
  debug: { symbol: '·', ascii: '.', colour: '90' },
  info: { symbol: '●', ascii: '-', colour: '32' },
  warning: { symbol: '▲', ascii: '!', colour: '33' },
  error: { symbol: '✖', ascii: 'x', colour: '31' },
  critical: { symbol: '✖', ascii: 'X', colour: '1;31' },
};

/**
 * For a person: `12:05:00 ● ended ping status="OK" duration="2ms"`, without what is the same in every line. Colour unless
 * NO_COLOR (no-color.org) is set or TERM says the terminal has none; symbols where the locale has them.
 */
export function terminalFormatter(env: TerminalEnv): Formatter {
  const coloured = !env.NO_COLOR && env.TERM !== 'dumb' && env.TERM !== undefined;
  const paint = (codes: string, text: string): string => (coloured ? `\x1b[${codes}m${text}\x1b[0m` : text);
  const unicode = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
  return ({ level, time, event, task, run, msg, rest, own }) => {
    const { symbol, ascii, colour } = LOOKS[level];
    const parts = [paint('90', shortTime(time)), paint(colour, unicode ? symbol : ascii), event];
    if (task !== undefined) parts.push(paint('1', escapeText(task)));
    if (msg !== undefined) parts.push(escapeText(msg));
    const fields = fieldsIn(TOML, [...rest, ...own, ['run', run]]).join(' ');
    if (fields !== '') parts.push(paint('90', fields));
    return `${parts.join(' ')}\n`;
  };
}
