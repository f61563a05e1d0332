/** What `fate init` wants to be there, what it found, and what it did: the records that its parts share. */

export type Part = 'conf' | 'comp' | 'serv';
export const PARTS: readonly Part[] = ['conf', 'comp', 'serv'];

/** Whose folders: those of the system, or of one user. */
export type Scope = 'system' | 'user';

/** One file or link that is to be there. */
export interface Wanted {
  readonly part: Part;
  /** Absolute. */
  readonly path: string;
  readonly content: { readonly text: string } | { readonly link: string };
  readonly scope: Scope;
  /** Whether one that is replaced stays beside it, under a name with ~. */
  readonly keepOld: boolean;
}

/** Something that serves as well, so that nothing is to be made. */
export interface There {
  readonly part: Part;
  readonly path: string;
  readonly there: string;
}

/** What a part is about, and what a person does next. */
export interface Plan {
  readonly items: readonly (Wanted | There)[];
  /** @param done what became of the items */
  hints(done: readonly Done[]): Promise<readonly string[]>;
}

/** `missing`, `same`, or `differs` with what it is where that is not just another text. */
export type Standing =
  | { readonly is: 'missing' }
  | { readonly is: 'same' }
  | { readonly is: 'differs'; readonly what: string | null };

export type Action =
  | 'made'
  | 'replaced'
  | 'same'
  | 'there'
  | 'differs'
  | 'not made'
  | 'would make'
  | 'would ask'
  | 'failed';

export interface Done {
  readonly part: Part;
  /** Null where a part has none. */
  readonly path: string | null;
  readonly action: Action;
  /** In a few words, or null. */
  readonly note: string | null;
  /** 0, 1, 71 or 73. */
  readonly status: number;
}

/** Whether that is now as it should be. */
export function isThere({ action }: Done): boolean {
  return action === 'made' || action === 'replaced' || action === 'same' || action === 'there';
}

/** Whether the disk was changed. */
export function isNew({ action }: Done): boolean {
  return action === 'made' || action === 'replaced';
}
