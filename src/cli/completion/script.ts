/** The completions of fate, fated and fates as texts, one per shell: for `fate init comp`, which writes them. */
import { renderBash } from './bash.ts';
import { renderFish } from './fish.ts';
import type { Shell } from './shells.ts';
import { renderTcsh } from './tcsh.ts';
import { type CommandNode, programTrees } from './tree.ts';
import { renderZsh } from './zsh.ts';

export { COMPLETION_FILES, SHELLS, type Shell } from './shells.ts';

const RENDERERS: Readonly<Record<Shell, (programs: readonly CommandNode[]) => string>> = {
  bash: renderBash,
  zsh: renderZsh,
  fish: renderFish,
  tcsh: renderTcsh,
};

/** One text that completes all three programs. The same for the same parser: nothing of the machine is in it. */
export function completionScript(shell: Shell): string {
  return RENDERERS[shell](programTrees());
}
