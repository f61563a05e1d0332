/**
 * Completion for tcsh, which has rules for the word before and the word itself, and for nothing else: so one rule asks awk,
 * which sees the whole line in COMMAND_LINE (tcsh(1), complete), and the files, which only tcsh can list, have their own. Pure.
 */
import type { Kind } from './kinds.ts';
import { type CommandNode, everyCommand, type OptionNode } from './tree.ts';

export function renderTcsh(programs: readonly CommandNode[]): string {
  const names = programs.map(({ path }) => path.join(' '));
  const commands = programs.flatMap(everyCommand);
  return `# Completion of ${names.join(', ')} for tcsh: source it in ~/.tcshrc.
# Made from Fate's own commands and options: fate init comp --shell tcsh makes it anew.

# What may stand behind each command: C commands, O options (with what rules them out behind a slash), V options with a
# value, T how many words are names of tasks.
set __fate_table = '${commands.map(tableOf).join(' \\\n')}'
set __fate_words = '${AWK.join(' \\\n')}'
alias __fate_words 'awk "BEGIN { $__fate_table:q $__fate_words:q }"'

${programs.map((program) => rulesOf(program)).join('\n')}
`;
}

/** Statements of awk, without anything that tcsh reads in single quotes: no quotes of its own, no history mark. */
function tableOf({ path, options, positionals, commands }: CommandNode): string {
  const at = path.join(' ');
  const tasks = positionals.filter(({ kind }) => kind.kind === 'task');
  const many = tasks.some(({ repeats }) => repeats) ? 999 : tasks.length;
  return [
    ...(commands.length > 0 ? [`C["${at}"] = "${commands.map(({ path }) => path.at(-1)).join(' ')}";`] : []),
    `O["${at}"] = "${options.map(optionText).join(' ')}";`,
    ...options
      .filter(({ value }) => value !== null)
      .flatMap(({ names }) => names.map((name) => `V["${at} ${name}"] = 1;`)),
    ...(many > 0 ? [`T["${at}"] = ${many};`] : []),
  ].join(' ');
}

const optionText = ({ names, repeats, conflicts }: OptionNode): string =>
  [names.join(), ...(repeats ? [] : [[...names, ...conflicts].join()])].join('/');

/** Reads the line by the table. No word of it is ever run or used as a pattern. */
const AWK = [
  'line = ENVIRON["COMMAND_LINE"]; n = split(line, w, " ");',
  'at = w[1]; sub(".*/", "", at); if ((at in O) == 0) at = "fate";',
  'now = ""; if (line ~ /[^ \\t]$/) now = w[n--];',
  'for (i = 2; i <= n; i++) {',
  '  if (ended == 0 && w[i] == "--") ended = 1;',
  '  else if (ended == 0 && substr(w[i], 1, 1) == "-") {',
  '    name = w[i]; sub("=.*", "", name); given[name] = 1; if ((at " " w[i]) in V) i++;',
  '    if (name == "--system" || name == "--user") folders = name;',
  '  } else if (count == 0 && ((at " " w[i]) in O)) at = at " " w[i];',
  '  else count++;',
  '}',
  'if (ended == 0 && substr(now, 1, 1) == "-") {',
  '  n = split(O[at], groups, " ");',
  '  for (i = 1; i <= n; i++) {',
  '    split(groups[i], half, "/"); m = split(half[2], against, ","); ruled = 0;',
  '    for (j = 1; j <= m; j++) if (against[j] in given) ruled = 1;',
  '    m = split(half[1], names, ","); for (j = 1; ruled == 0 && j <= m; j++) print names[j];',
  '  }',
  '} else if (count == 0 && (at in C)) {',
  '  n = split(C[at], words, " "); for (i = 1; i <= n; i++) print words[i];',
  '} else if (count < T[at]) {',
  '  list = "exec fate list --names " folders " 2>/dev/null </dev/null";',
  '  while ((list | getline name) > 0) print name;',
  '}',
];

function rulesOf(program: CommandNode): string {
  const commands = everyCommand(program);
  const options = commands.flatMap(({ options }) => options).filter(({ value }) => value !== null);
  const rules = [
    ...options.flatMap(({ names, value }) =>
      names.flatMap((name) => {
        const list = listOf(value?.kind ?? { kind: 'free' });
        return [...(name.startsWith('--') ? [`c/${name}=/${list}/`] : []), `n/${name}/${list}/`];
      }),
    ),
    ...commands.flatMap(({ path, positionals: [first], runsCommand }) => [
      ...(first?.kind.kind === 'file' || first?.kind.kind === 'folder'
        ? [`n/${path.at(-1)}/${listOf(first.kind)}/`]
        : []),
      ...(runsCommand ? [`n/${path.at(-1)}/c/`] : []),
    ]),
  ];
  const lines = [...new Set(rules)].map((rule) => `'${rule}'`);
  return [`complete ${program.path.join(' ')}`, ...lines, "'p@*@`__fate_words`@'"].join(' \\\n  ');
}

/** What tcsh calls a list: `f` files, `d` folders, words in parentheses, `x` a message in place of any. */
function listOf(kind: Kind): string {
  switch (kind.kind) {
    case 'file':
      return 'f';
    case 'folder':
      return 'd';
    case 'words':
    case 'list':
      return `(${kind.words.join(' ')})`;
    case 'task':
      return '`__fate_words`';
    case 'free':
      return '()';
  }
}
