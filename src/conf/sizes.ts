/** Sizes and lengths of time as a configuration writes them; for the schema, which judges, and for resolve, which converts. */
import { parseDuration } from '../schedule/duration.ts';
import type { Bytes, Ms } from '../types.ts';

const POWERS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

/** `512M`, `1GiB`, `100B` or whole bytes; K, M, G, T are powers of 1024, as in systemd.syntax(7). Null when it is none. */
export function parseSize(size: string | number): Bytes | null {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : null;
  const match = /^(\d+)(?:([KMGT])(?:iB)?|B)$/.exec(size);
  if (match === null) return null;
  const bytes = Number(match[1]) * 1024 ** (POWERS[match[2] ?? ''] ?? 0);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** `50%`, `12.5%`: more than nothing, at most two decimals (CPUQuota= of systemd.resource-control(5)). Null when it is none. */
export function parsePercent(share: string): number | null {
  if (!/^\d{1,9}(\.\d{1,2})?%$/.test(share)) return null;
  const percent = Number(share.slice(0, -1));
  return percent > 0 ? percent : null;
}

/** `022`, `0022`: an octal number of at most 0777. Null when it is none. */
export function parseUmask(umask: string): number | null {
  return /^0*[0-7]{1,3}$/.test(umask) ? Number.parseInt(umask, 8) : null;
}

/** A length of time as a configuration may write it: whole seconds, or text with units, so that "5" is none (SPEC 3.1). */
export function parseLength(length: string | number): Ms | null {
  if (typeof length === 'string' && !/[a-z]$/.test(length)) return null;
  const ms = parseDuration(length);
  return ms !== null && Number.isSafeInteger(ms) && ms >= 0 ? ms : null;
}

/** `04:30`, also `04:30:00` (how TOML writes a local time): minutes after midnight. */
export function parseTimeOfDay(text: string): number | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::00)?$/.exec(text);
  return match === null ? null : Number(match[1]) * 60 + Number(match[2]);
}
