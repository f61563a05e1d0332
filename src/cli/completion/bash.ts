/**
 * Completion for bash: a table of what may stand where, made from the tree, and the functions of bash-functions.ts that
 * read a line by it. Needs nothing of the package bash-completion, which only loads it by its name. Pure.
 */
import { BASH_FUNCTIONS } from './bash-functions.ts';
import type { Kind } from './kinds.ts';
import { type CommandNode, everyCommand, type OptionNode } from './tree.ts';

export function renderBash(programs: readonly CommandNode[]): string {
  const commands = programs.flatMap(everyCommand);
  return `# shellcheck shell=bash
# Completion of ${programs.map(({ path }) => path.join(' ')).join(', ')} for bash.
# Made from Fate's own commands and options: fate init comp --shell bash makes it anew.

# What may stand behind a command. Options: their names, what keeps them from being offered beside themselves (- nothing,
# + not even themselves), and their value. Places: what the words that are no options are, in their order.
_fate_table() {
    commands='' options=() places=() endless='' runs=''
    case $1 in
${commands.map(entry).join('\n')}
    esac
}

${BASH_FUNCTIONS}
complete -F _fate ${programs.map(({ path }) => path.join(' ')).join(' ')}
`;
}

function entry({ path, options, positionals, commands, runsCommand }: CommandNode): string {
  const lines = [
    ...(commands.length > 0 ? [`commands='${commands.map(({ path }) => path.at(-1)).join(' ')}'`] : []),
    'options=(',
    ...options.map((option) => `    '${optionText(option)}'`),
    ')',
    ...(positionals.length > 0 ? [`places=(${positionals.map(({ kind }) => `'${kindText(kind)}'`).join(' ')})`] : []),
    ...(positionals.at(-1)?.repeats ? ['endless=yes'] : []),
    ...(runsCommand ? ['runs=yes'] : []),
    ';;',
  ];
  return [`        '${path.join(' ')}')`, ...lines.map((line) => `            ${line}`)].join('\n');
}

function optionText({ names, value, repeats, conflicts }: OptionNode): string {
  const against = repeats ? '+' : conflicts.join() || '-';
  return `${names.join()} ${against} ${value === null ? 'flag' : kindText(value.kind)}`;
}

/** Words of Fate's own have nothing that a shell would read. */
const kindText = (kind: Kind): string => ('words' in kind ? `${kind.kind} ${kind.words.join(' ')}` : kind.kind);
