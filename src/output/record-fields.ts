/** One record of a task's log: its level, message and fields, from its bytes (SPEC 10). Pure; costs a few ms at most. */
import { isUtf8 } from 'node:buffer';
import { type Bytes, LEVELS, type Level, type LogFormat, type TextFormat } from '../types.ts';
import { parseText } from './formats.ts';
import type { TaskLogRecord } from './record.ts';

/** Longer TOML and YAML is text: a hostile record of this length takes some 10 ms. In UTF-16 code units. */
const TEXT_LIMIT = 4 * 1024;
/** What the aliases of a record may come to. */
const EXPANSION = 64 * 1024;

type Mapping = Record<string, unknown>;

/** `size`: bytes of the whole record, of which `bytes` are the first. Null for a record with nothing in it. */
export function recordOf(bytes: Buffer, size: Bytes, stream: 'nul' | 'line', format: LogFormat): TaskLogRecord | null {
  const cut = size > bytes.length;
  const whole = cut ? withoutBrokenEnd(bytes) : bytes;
  const raw = whole.toString('utf8');
  const prefix = /^<([1-5])>/.exec(raw);
  // A task that ends records with NUL often ends lines as well, and one on another system ends lines with CR.
  const text = raw
    .slice(prefix ? 3 : 0)
    .replace(/^[\r\n]+/, '')
    .trimEnd();
  if (text === '') return null;
  const structure = cut ? unread(format, 'it is cut') : readStructure(text, stream, format);
  const { fields, msg, level } = structure.mapping ? splitMapping(structure.mapping, prefix === null) : NOTHING;
  return {
    level: (prefix ? LEVELS[Number(prefix[1]) - 1] : level) ?? 'info',
    msg: structure.mapping ? msg : text,
    fields,
    text,
    ...(cut ? { size } : {}),
    ...(isUtf8(whole) ? {} : { encoding: 'invalid' as const }),
    ...(structure.warning === undefined ? {} : { warning: structure.warning }),
  };
}

const NOTHING = { fields: {}, msg: null, level: undefined };

interface Structure {
  readonly mapping?: Mapping;
  readonly warning?: string;
}

function unread(format: LogFormat, why: string): Structure {
  return format === 'auto' || format === 'text' ? {} : { warning: `the record does not parse as ${format}: ${why}` };
}

function readStructure(text: string, stream: 'nul' | 'line', format: LogFormat): Structure {
  if (format === 'text') return {};
  if (format === 'auto') {
    // In a stream of lines only JSON: `Warning: disk full` is YAML too.
    const names: readonly TextFormat[] = stream === 'nul' ? ['json', 'toml', 'yaml'] : ['json'];
    for (const name of names) {
      if (!mayBeMapping(name, text)) continue;
      const parsed = parseText(name, text, EXPANSION);
      if (parsed.ok && isMapping(parsed.value)) return { mapping: parsed.value };
    }
    return {};
  }
  if (format !== 'json' && text.length > TEXT_LIMIT) return unread(format, 'it is longer than 4 KiB');
  const parsed = parseText(format, text, EXPANSION);
  if (!parsed.ok) return unread(format, parsed.message);
  return isMapping(parsed.value) ? { mapping: parsed.value } : {};
}

/** A look that costs nothing and turns down nearly all plain text. */
function mayBeMapping(format: TextFormat, text: string): boolean {
  if (format === 'json') return /^\s*\{/.test(text) && text.endsWith('}');
  if (text.length > TEXT_LIMIT) return false;
  if (format === 'toml') return /^\s*(#|\[|[\w"'][^=\n]*=)/.test(text);
  // A mapping has a key, and does not begin as a sequence or with an indicator that no node begins with.
  return /:(\s|$)/.test(text) && !/^\s*([-[]\s|[,\]}@`|>])/.test(text);
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Takes `msg` out of the fields and, where it counts, a `level` that is one. */
function splitMapping(
  mapping: Mapping,
  levelCounts: boolean,
): { fields: Mapping; msg: string | null; level: Level | undefined } {
  const { msg, level: told, ...others } = mapping;
  const level = levelCounts ? levelOf(told) : undefined;
  return {
    fields: level === undefined && Object.hasOwn(mapping, 'level') ? { level: told, ...others } : others,
    msg: msg === undefined || msg === null ? null : typeof msg === 'string' ? msg : JSON.stringify(msg),
    level,
  };
}

/** A name in any case, 1 to 5, or 10 to 50 as in Python's logging, where each ten is a level. */
function levelOf(told: unknown): Level | undefined {
  if (typeof told === 'string' && !/^\d+$/.test(told)) return LEVELS.find((level) => level === told.toLowerCase());
  const number = typeof told === 'string' ? Number(told) : told;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 10 && number <= 50 ? LEVELS[Math.floor(number / 10) - 1] : LEVELS[number - 1];
}

/** Without the first bytes of a character whose others were cut off, which would count as bad UTF-8. */
function withoutBrokenEnd(bytes: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? bytes.subarray(0, bytes.length - back) : bytes;
    }
  }
  return bytes;
}
