/** `fate init serv`: the systemd unit of the programs that run now, for the system or for a user. Plans only. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unsafeParts } from '../../conf/safety.ts';
import type { Installation } from '../installation.ts';
import { unitTemplate } from './texts.ts';
import { commandLine, renderUnit, startOf, type UnitFacts } from './unit.ts';
import { isNew, isThere, type Plan, type Scope, type Wanted } from './wanted.ts';

export interface ServQuestion {
  readonly installation: Installation;
  readonly scope: Scope;
  readonly profile: UnitFacts['profile'];
  readonly environment: UnitFacts['environment'];
  /** $XDG_CONFIG_HOME and $XDG_DATA_HOME, or what stands for them. */
  readonly configHome: string;
  readonly dataHome: string;
  /** Whether there is a group that may look at the daemon; null where that cannot be told. */
  readonly hasGroup: boolean | null;
  /** Whether a daemon of that scope seems to run: its control socket is there. */
  readonly runs: () => boolean;
}

const UNIT = 'fated.service';
const GROUP = 'so that others than root may ask for its status: groupadd --system fate, and make them members';

/** Where systemd looks behind the administrator's own folder, in its order (systemd.unit(5), "Unit File Load Path"). */
export function shippedPlaces(scope: Scope, dataHome: string): readonly string[] {
  const folders = [join('/usr/local/lib/systemd', scope), join('/usr/lib/systemd', scope), join('/lib/systemd', scope)];
  const own = scope === 'user' ? [join(dataHome, 'systemd/user')] : [];
  return [...own, ...folders].map((folder) => join(folder, UNIT));
}

/** @throws FateError FATAL */
export async function planServ(question: ServQuestion): Promise<Plan> {
  const { installation, scope, profile, environment, configHome, dataHome, hasGroup, runs } = question;
  const { root, fate, fated, page } = installation;
  const path = join(scope === 'system' ? '/etc/systemd/system' : join(configHome, 'systemd/user'), UNIT);
  const text = renderUnit(unitTemplate(root, scope), { fate, fated, page, profile, environment });
  const first = firstShipped(shippedPlaces(scope, dataHome));
  const shipped = Object.keys(environment).length === 0 && first?.starts(fated) ? first.place : null;
  const unit: Wanted = { part: 'serv', path, content: { text }, scope, keepOld: true };
  return {
    items: [shipped === null ? unit : { part: 'serv', path: shipped, there: 'with these programs' }],
    async hints(done) {
      const [item] = done;
      if (item === undefined || !isThere(item)) return [];
      const made = isNew(item);
      const enabled = isEnabled(scope, dirname(path));
      const hidden = shipped !== null && isPresent(path) ? [`${path} takes its place, and is left`] : [];
      const hides = made && first !== null ? [`${path} takes the place of ${first.place}`] : [];
      const unsafe = scope === 'system' && made ? await unsafePrograms(installation) : [];
      const group = scope === 'system' && hasGroup === false && (made || !enabled) ? [GROUP] : [];
      return [...hidden, ...hides, ...unsafe, ...next(scope, { made, enabled, runs: runs() }), ...group];
    },
  };
}

/** The first that systemd finds, and whether it starts given programs. */
function firstShipped(
  places: readonly string[],
): { readonly place: string; starts(fated: readonly string[]): boolean } | null {
  for (const place of places) {
    const text = textOf(place);
    if (text === null) continue;
    return { place, starts: (fated) => startOf(text)?.startsWith(`${commandLine(fated)} `) === true };
  }
  return null;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function isPresent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The system's service runs as root whatever stands in them. One is enough to say so. */
async function unsafePrograms({ fate, fated, root }: Installation): Promise<readonly string[]> {
  const found = await unsafeParts([...fated, ...fate, root]);
  return found.slice(0, 1).map(({ file, message }) => `${file}: ${message}, and the service runs it as root`);
}

/** As `systemctl enable` leaves it. */
function isEnabled(scope: Scope, folder: string): boolean {
  const wants = scope === 'system' ? 'multi-user.target.wants' : 'default.target.wants';
  return [folder, join('/etc/systemd', scope)].some((place) => isPresent(join(place, wants, UNIT)));
}

interface Now {
  readonly made: boolean;
  readonly enabled: boolean;
  readonly runs: boolean;
}

function next(scope: Scope, { made, enabled, runs }: Now): readonly string[] {
  const systemctl = scope === 'system' ? 'systemctl' : 'systemctl --user';
  const start = !enabled ? ['enable --now'] : made && runs ? ['restart'] : runs ? [] : ['start'];
  const then = start.map((verb) => `${systemctl} ${verb} fated`);
  const commands = [...(made ? [`${systemctl} daemon-reload`] : []), ...then];
  if (commands.length === 0) return [];
  const running = existsSync('/run/systemd/system') ? '' : ' (systemd does not run here now)';
  const lingers =
    scope === 'user' && !enabled ? ['so that it runs while you are not logged in: loginctl enable-linger'] : [];
  return [commands.join(' && ') + running, ...lingers];
}
