/** By what an output's suffix is decided (SPEC 8): which formats are tried, in which order, and what is told. Pure. */
import type { ResultFormat, ResultFormatName } from '../types.ts';

/** How an archive is compressed, by its suffix after `.tar`; '' is not at all. */
export type Compression = '' | '.gz' | '.bz2' | '.xz' | '.zst';

export type TarFinding =
  | { readonly kind: 'none' }
  /** `marked`: it has a directory member `.fate`. */
  | { readonly kind: 'tar'; readonly compression: Compression; readonly marked: boolean }
  /** It begins like a tar and cannot be read to its end. */
  | { readonly kind: 'damaged'; readonly reason: string }
  /** The program that could tell is not installed. */
  | { readonly kind: 'unreadable'; readonly program: string };

/** The bytes of an output, asked for one thing at a time. None of them rejects because of the bytes. */
export interface Probes {
  tar(): Promise<TarFinding>;
  /** Whether it is of the format and more than a bare string; `too long` where that was not tried. */
  text(name: Exclude<ResultFormatName, 'tar'>): Promise<boolean | 'too long'>;
}

export interface Detection {
  /** '' or a suffix with its dot. */
  readonly ext: string;
  /** It is to be unpacked. */
  readonly archive: boolean;
  readonly warning: string | null;
}

const ANY = ['json', 'tar', 'toml', 'yaml'] as const satisfies readonly ResultFormatName[];

export async function decide(format: ResultFormat, probes: Probes): Promise<Detection> {
  switch (format.kind) {
    case 'raw':
      return { ext: '', archive: false, warning: null };
    case 'archive':
      return decideArchive(await probes.tar());
    case 'named':
      return decideNamed(format.names, probes);
    default:
      return decideAny(probes);
  }
}

function decideArchive(tar: TarFinding): Detection {
  if (tar.kind === 'tar') return { ext: `.tar${tar.compression}`, archive: true, warning: null };
  const reason = tar.kind === 'none' ? 'the output is no tar archive' : tarTrouble(tar);
  return { ext: '', archive: false, warning: `${reason}; it is recorded as it is` };
}

async function decideAny(probes: Probes): Promise<Detection> {
  let warning: string | null = null;
  for (const name of ANY) {
    if (name === 'tar') {
      const tar = await probes.tar();
      if (tar.kind === 'tar') return { ext: `.tar${tar.compression}`, archive: tar.marked, warning: null };
      // A damaged or unreadable archive is nothing else either: its bytes are no text.
      if (tar.kind !== 'none') {
        warning = `${tarTrouble(tar)}; it is recorded as it is`;
        break;
      }
    } else if ((await probes.text(name)) === true) {
      return { ext: `.${name}`, archive: false, warning: null };
    }
  }
  return { ext: '', archive: false, warning };
}

async function decideNamed(names: readonly ResultFormatName[], probes: Probes): Promise<Detection> {
  const reasons: string[] = [];
  for (const name of names) {
    if (name === 'tar') {
      const tar = await probes.tar();
      if (tar.kind === 'tar') return { ext: `.tar${tar.compression}`, archive: false, warning: null };
      if (tar.kind !== 'none') reasons.push(tarTrouble(tar));
    } else {
      const finding = await probes.text(name);
      if (finding === true) return { ext: `.${name}`, archive: false, warning: null };
      if (finding === 'too long') reasons.push(`longer than 4 MiB it is not tried as ${name}`);
    }
  }
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return {
    ext: '',
    archive: false,
    warning: `the output is not ${names.join(' or ')}${why}; it is recorded without suffix`,
  };
}

function tarTrouble(tar: Extract<TarFinding, { kind: 'damaged' | 'unreadable' }>): string {
  return tar.kind === 'damaged'
    ? `the output begins like a tar archive but cannot be read to its end: ${tar.reason}`
    : `the output looks compressed, and ${tar.program} is not installed to look into it`;
}
