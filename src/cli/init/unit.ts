/** The text of a unit file from its template: words and paths as systemd.unit(5) and systemd.service(5) take them. Pure. */

export interface UnitFacts {
  readonly fate: readonly string[];
  readonly fated: readonly string[];
  /** A file, or null. */
  readonly page: string | null;
  /** Null where it follows from the environment, or from where the programs are. */
  readonly profile: '--system' | '--user' | null;
  /** What the service is to have in its environment. */
  readonly environment: Readonly<Record<string, string>>;
}

const COMMAND = /^(Exec\w+=)@BINDIR@\/(fated?)(.*)$/gm;
const PAGE = /^Documentation=file:@DOCDIR@\/.*\n/m;

export function renderUnit(template: string, { fate, fated, page, profile, environment }: UnitFacts): string {
  const option = profile === null ? '' : ` ${profile}`;
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}\n`);
  return template
    .replace(PAGE, () => (page === null ? '' : `Documentation=file:${doublePercent(encodeURI(page))}\n`))
    .replaceAll(COMMAND, (_line, key: string, program: string, rest: string) => {
      const words = commandLine(program === 'fated' ? fated : fate);
      return `${key}${words}${rest.replace(/ --(system|user)\b/, option)}`;
    })
    .replace(/^ExecStart=/m, (start) => variables.join('') + start);
}

/** The words as a command of a unit. */
export function commandLine(words: readonly string[]): string {
  // systemd 252 takes no program with a quote or a backslash in its path; env(1) does.
  const all = /["'\\\p{Cc}]/u.test(words[0] ?? '') ? ['/usr/bin/env', ...words] : words;
  // `:` in front: what looks like a variable is none.
  return (all.some((word) => word.includes('$')) ? ':' : '') + all.map(quote).join(' ');
}

/** One word: in quotes, with C-style escapes, where it needs them; % is doubled, since it begins a specifier. */
export function quote(word: string): string {
  const text = doublePercent(word);
  if (/^[\w@%+=:,./$~-]+$/.test(text)) return text;
  const escaped = text
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[\u0001-\u001f\u007f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

const doublePercent = (text: string): string => text.replaceAll('%', '%%');

/** The first command that a unit starts, as it is written there; null where there is none. */
export function startOf(unit: string): string | null {
  return /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? null;
}
