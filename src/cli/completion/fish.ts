/** Completion for fish: one `complete` line per option and word, made from the tree, each with what it depends on. Pure. */
import type { Kind } from './kinds.ts';
import { type CommandNode, everyCommand, type OptionNode, type PositionalNode } from './tree.ts';

export function renderFish(programs: readonly CommandNode[]): string {
  const names = programs.map(({ path }) => path.join(' '));
  const commands = programs.flatMap(everyCommand);
  const valued = commands.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== null)
      .flatMap(({ names }) => names.map((name) => [...path, name].join(' '))),
  );
  return `# Completion of ${names.join(', ')} for fish.
# Made from Fate's own commands and options: fate init comp --shell fish makes it anew.

set -g __fate_commands ${quotedAll(commands.map(({ path }) => path.join(' ')))}
set -g __fate_groups ${quotedAll(commands.filter(({ commands }) => commands.length > 0).map(({ path }) => path.join(' ')))}
set -g __fate_runs ${quotedAll(commands.filter(({ runsCommand }) => runsCommand).map(({ path }) => path.join(' ')))}
set -g __fate_valued ${quotedAll(valued)}

${FUNCTIONS}
${names.map((name) => `complete -c ${name} -e\ncomplete -c ${name} -f`).join('\n')}

${commands.map(commandLines).join('\n\n')}
`;
}

/** Read once for all the conditions of a line. */
const FUNCTIONS = `# What the words before the cursor are: the command, its options, how many other words, or where a command of another begins.
function __fate_read
    set -l words (commandline -opc)
    test "$words" = "$__fate_line"; and return
    set -g __fate_line "$words"
    set -g __fate_command (string replace -r '.*/' '' -- $words[1])
    contains -- $__fate_command $__fate_commands; or set -g __fate_command fate
    set -g __fate_given
    set -g __fate_folders
    set -g __fate_count 0
    set -g __fate_rest
    set -l ended
    set -l skip
    for i in (seq 2 (count $words))
        set -l word $words[$i]
        if set -q skip[1]
            set skip
        else if test -z "$ended"; and test "$word" = --
            set ended yes
            if contains -- $__fate_command $__fate_runs
                set -g __fate_rest (math $i + 1)
                return
            end
        else if test -z "$ended"; and string match -qr '^-.' -- $word
            set -l name (string replace -r '=.*' '' -- $word)
            contains -- $name --system --user; and set -g __fate_folders $name
            if contains -- "$__fate_command $word" $__fate_valued
                # One that waits for its value is not given yet.
                test $i -eq (count $words); and return
                set skip yes
            end
            set -a __fate_given $name
        else if contains -- $__fate_command $__fate_runs
            set -g __fate_rest $i
            return
        else if test $__fate_count -eq 0; and contains -- "$__fate_command $word" $__fate_commands
            set -g __fate_command "$__fate_command $word"
        else
            set -g __fate_count (math $__fate_count + 1)
        end
    end
end

# Whether this is the line of a COMMAND, without any of these OPTIONS.
function __fate_at
    __fate_read
    test "$__fate_command" = "$argv[1]"; and test -z "$__fate_rest"; or return
    for option in $argv[2..-1]
        contains -- $option $__fate_given; and return 1
    end
    # No option follows a word that is no command of ours.
    test $__fate_count -eq 0; or not contains -- "$__fate_command" $__fate_groups
end

# Whether the next word of a COMMAND is that of this NUMBER, or a later one.
function __fate_place
    __fate_read
    test "$__fate_command" = "$argv[1]"; and test -z "$__fate_rest"; or return
    test $__fate_count -eq $argv[2]; and return
    contains -- more $argv[3..-1]; and test $__fate_count -gt $argv[2]
end

function __fate_names
    __fate_read
    command -q fate; or return
    command fate list --names $__fate_folders 2>/dev/null </dev/null
end

# Words with commas between them.
function __fate_list
    set -l typed (commandline -ct | string replace -r '^-[^=]*=' '')
    set -l before (string match -r '.*,' -- "$typed")
    for word in $argv
        contains -- $word (string split , -- "$before"); or echo "$before$word"
    end
end

# Whether another command line has begun, or may begin here.
function __fate_in_rest
    __fate_read
    test -n "$__fate_rest"; or contains -- "$__fate_command" $__fate_runs
end

function __fate_rest
    __fate_read
    set -l words (commandline -opc)
    set -l line
    if test -n "$__fate_rest"; and test $__fate_rest -le (count $words)
        set line (string escape -- $words[$__fate_rest..-1])
    end
    complete -C (string join ' ' -- $line (commandline -ct))
end
`;

function commandLines(node: CommandNode): string {
  const { path, options, positionals, commands, runsCommand } = node;
  const [program = ''] = path;
  const at = path.join(' ');
  return [
    ...commands.map(({ path, describe }) =>
      line(program, place(at, 0, false), `-a ${path.at(-1)} -d ${quoted(describe)}`),
    ),
    ...positionals.map((positional, index) => placeLine(program, at, positional, index)),
    ...(runsCommand ? [line(program, '__fate_in_rest', "-a '(__fate_rest)'")] : []),
    ...options.map((option) => optionLine(program, at, option)),
  ].join('\n');
}

const line = (program: string, condition: string, what: string): string =>
  `complete -c ${program} -n ${quoted(condition)} ${what}`;

const place = (at: string, index: number, more: boolean): string =>
  `__fate_place ${quoted(at)} ${index}${more ? ' more' : ''}`;

const placeLine = (program: string, at: string, { kind, repeats }: PositionalNode, index: number): string =>
  line(program, place(at, index, repeats), kind.kind === 'file' ? '-F' : `-f${argumentsOf(kind)}`);

function optionLine(program: string, at: string, { names, describe, value, repeats, conflicts }: OptionNode): string {
  const against = [...(repeats ? [] : names), ...conflicts];
  const condition = ['__fate_at', quoted(at), ...against].join(' ');
  const words = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const takes = value === null ? '' : value.kind.kind === 'file' ? ' -rF' : ` -x${argumentsOf(value.kind)}`;
  return line(program, condition, `${words.join(' ')}${takes} -d ${quoted(describe)}`);
}

function argumentsOf(kind: Kind): string {
  switch (kind.kind) {
    case 'task':
      return " -a '(__fate_names)'";
    case 'folder':
      return " -a '(__fish_complete_directories (commandline -ct))'";
    case 'words':
      return ` -a ${quoted(kind.words.join(' '))}`;
    case 'list':
      return ` -a ${quoted(`(__fate_list ${kind.words.join(' ')})`)}`;
    default:
      return '';
  }
}

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
const quotedAll = (texts: readonly string[]): string => texts.map(quoted).join(' ');
