/** A parsed configuration file, whatever its format; yaml-file.ts and toml-file.ts make them, load puts them together. */
import type { Lines } from './lines.ts';
import type { KeyPath, Position } from './problems.ts';

export type Style = 'toml' | 'yaml';

export interface Document {
  readonly file: string;
  readonly style: Style;
  /** Anything: whether it is a mapping is not judged here. Mappings have no prototype; aliases share what they stand for. */
  readonly value: unknown;
  /** The keys of the top level in the order written, which an object loses where they look like numbers. */
  readonly keys: readonly string[];
  /** Things that the parser warns of. */
  readonly warnings: readonly Fault[];
  readonly length: number;
  /** Where the key or value of a path stands: the nearest one around it where there is none; null when nothing is known. */
  locator(): Promise<(path: KeyPath, at: 'key' | 'value') => Position | null>;
}

/** Why a file cannot be parsed, or a warning of the parser. */
export interface Fault {
  readonly message: string;
  readonly position: Position | null;
  /** The text of that line. */
  readonly excerpt: string | null;
}

export type Parsed =
  | { readonly ok: true; readonly document: Document }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** An empty file: no keys. */
export function emptyDocument(file: string, style: Style): Document {
  return { file, style, value: null, keys: [], warnings: [], length: 0, locator: async () => () => null };
}

export function faultAt(lines: Lines, offset: number, message: string): Fault {
  const position = lines.position(offset);
  return { message, position, excerpt: lines.text(position.line) };
}
