/**
 * Time zones from the system's zone files, so that an update of tzdata is enough (SPEC 5, "Time zone"). Promised to
 * whoever compiles schedules: an answer that was given before costs a look into a table; changes are seen by `changed`.
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { intlZone, parseTzif, posixZone } from '../schedule/zone.ts';
import type { Zone, ZoneSource } from '../types.ts';

export interface ZoneFileOptions {
  readonly root?: string | undefined;
  readonly localtime?: string | undefined;
  readonly env?: { readonly TZ?: string | undefined } | undefined;
}

interface Known {
  readonly zone: Zone;
  /** The file it came from, or would come from if it were there. */
  readonly file: string | null;
  readonly stamp: string;
}

/** Parts of an IANA name; `..` is none of them, so that no name leads out of the folder. */
const NAME = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** `root` is the folder of zone files, `localtime` the system's own zone, which the environment's TZ goes before. */
export function createZoneSource(options: ZoneFileOptions = {}): ZoneSource {
  const { root = '/usr/share/zoneinfo', localtime = '/etc/localtime', env = process.env } = options;
  const known = new Map<string | null, Known>();

  const load = (name: string | null): Known | null =>
    name === null ? systemZone(root, localtime, env.TZ) : namedZone(root, name);

  return {
    zone: (name) => {
      const before = known.get(name);
      if (before !== undefined) return before.zone;
      const found = load(name);
      if (found !== null) known.set(name, found);
      return found?.zone ?? null;
    },
    changed: () => {
      let changed = false;
      for (const [name, { zone, file, stamp }] of known) {
        const current = file === null ? '' : stampOf(file);
        if (file === null || current === stamp) continue;
        changed = true;
        // In the middle of an update a file may be gone: what is known then serves on.
        known.set(name, load(name) ?? { zone, file, stamp: current });
      }
      return changed;
    },
  };
}

/** A zone by its IANA name: the file, or Node's own tables where there is none. */
function namedZone(root: string, name: string): Known | null {
  if (!NAME.test(name)) return null;
  const file = join(root, name);
  const read = fileZone(file, name);
  if (read !== null) return read;
  // Old names such as US/Eastern are a package of their own in Debian 13; Node knows what they stand for.
  const zone = intlZone(name);
  if (zone === null) return null;
  const today = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  return (today === name ? null : fileZone(join(root, today), name)) ?? { zone, file, stamp: stampOf(file) };
}

/** tzset(3): TZ, which may name a zone, a file or a rule, else /etc/localtime; what cannot be read is UTC. */
function systemZone(root: string, localtime: string, variable: string | undefined): Known | null {
  if (variable === undefined) return localZone(root, localtime);
  const text = variable.replace(/^:/, '');
  const name = text.startsWith(`${root}/`) ? text.slice(root.length + 1) : text;
  const zone = name.startsWith('/') ? fileZone(name, 'system') : namedZone(root, name);
  if (zone !== null) return zone;
  const rule = posixZone(text, 'system') ?? posixZone('UTC0', 'UTC');
  return rule === null ? null : { zone: rule, file: null, stamp: '' };
}

function localZone(root: string, localtime: string): Known | null {
  const read = fileZone(localtime, 'system');
  if (read !== null) return read;
  const stamp = stampOf(localtime);
  // Without tzdata the link leads nowhere, but still names the zone.
  const name = /zoneinfo\/(.+)$/.exec(linkOf(localtime))?.[1];
  const zone = (name === undefined ? null : namedZone(root, name)?.zone) ?? posixZone('UTC0', 'UTC');
  return zone === null ? null : { zone: { ...zone, name: 'system' }, file: localtime, stamp };
}

function fileZone(file: string, name: string): Known | null {
  // The stamp first: what changes while it is read is then seen by the next look.
  const stamp = stampOf(file);
  try {
    const zone = parseTzif(readFileSync(file), name);
    return zone === null ? null : { zone, file, stamp };
  } catch {
    return null;
  }
}

/** What changes with a file's content, or with what a link leads to; '' where there is none. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
