/** The shells that can be completed in, and the files that hold their completions. Imports nothing: for `fate init` too. */

export const SHELLS = ['bash', 'zsh', 'fish', 'tcsh'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The name that a shell looks for, and the links that let it find the same file for the other programs: bash and fish load
 * a completion by the name of the program, zsh reads the names from the file. That of tcsh is sourced by the user.
 */
export const COMPLETION_FILES: Readonly<Record<Shell, { readonly file: string; readonly links: readonly string[] }>> = {
  bash: { file: 'fate', links: ['fated', 'fates'] },
  zsh: { file: '_fate', links: [] },
  fish: { file: 'fate.fish', links: ['fated.fish', 'fates.fish'] },
  tcsh: { file: 'fate.tcsh', links: [] },
};
