/** Completion for zsh: one function per command for `_arguments`, made from the tree (zshcompsys(1)). Pure. */
import type { Kind } from './kinds.ts';
import { type CommandNode, everyCommand, type OptionNode } from './tree.ts';

export function renderZsh(programs: readonly CommandNode[]): string {
  const names = programs.map(({ path }) => path.join(' '));
  return `#compdef ${names.join(' ')}
# Completion of ${names.join(', ')} for zsh.
# Made from Fate's own commands and options: fate init comp --shell zsh makes it anew.

# The names of the configured tasks.
_fate_tasks() {
  local expl
  local -a names
  names=( \${(f)"$(command fate list --names $fate_folders 2>/dev/null </dev/null)"} )
  _wanted fate-tasks expl task compadd -a names
}

# Of $specs, those that an option in front of the command does not rule out.
_fate_left() {
  local given
  for given in $fate_given; do
    specs=( \${specs:#\\((|* )$given(| *)\\)*} )
  done
}

${programs.flatMap(everyCommand).map(commandFunction).join('\n')}
_fate() {
  local -a fate_folders fate_given
  fate_folders=( \${(M)words:#--(system|user)} )
  case $service in
${names.map((name) => `    (${name}) ${functionName([name])} ;;`).join('\n')}
  esac
}

if [[ $funcstack[1] == _fate ]]; then
  _fate "$@"
else
  compdef _fate ${names.join(' ')}
fi
`;
}

const functionName = (path: readonly string[]): string => `_fate_at_${path.join('_')}`;

function commandFunction(node: CommandNode): string {
  const { path, options, commands, runsCommand } = node;
  return `${functionName(path)}() {
  local -a specs
  specs=(
${options
  .flatMap(optionSpecs)
  .map((spec) => `    ${quoted(spec)}`)
  .join('\n')}
  )
  _fate_left
${runsCommand ? commandLineOf(node) : ''}${commands.length > 0 ? commandsOf(node) : `  _arguments -s -S : $specs${placesOf(node)}`}
}
`;
}

/** Without commands below it. */
function placesOf({ positionals, runsCommand }: CommandNode): string {
  if (runsCommand) return " '(-)1:command: _command_names -e'";
  return positionals
    .map(({ name, kind, repeats }) => ` ${quoted(`${repeats ? '*' : ''}:${escaped(name)}:${actionOf(name, kind)}`)}`)
    .join('');
}

/** The command line of another begins at the first word that is no option, or behind `--`; options there are its own. */
function commandLineOf({ options }: CommandNode): string {
  const valued = options.filter(({ value }) => value !== null).flatMap(({ names }) => names);
  return `  local -i i begins=0
  for (( i = 2; i < CURRENT && ! begins; i++ )); do
    case $words[i] in
      (--) begins=i+1 ;;
      (${valued.join('|')}) i+=1 ;;
      (-*) ;;
      (*) begins=i ;;
    esac
  done
  if (( begins )); then
    shift $(( begins - 1 )) words
    (( CURRENT -= begins - 1 ))
    if (( CURRENT == 1 )); then _command_names -e; else _normal; fi
    return
  fi
`;
}

function commandsOf({ path, commands, positionals }: CommandNode): string {
  const [place] = positionals;
  return `  local curcontext="$curcontext" state state_descr line ret=1
  local -A opt_args
  local -a choices
  _arguments -C -s -S : $specs '1: :->command' '*:: :->words' && ret=0
  case $state in
    (command)
      choices=(
${commands.map(({ path, describe }) => `        ${quoted(`${path.at(-1)}:${describe}`)}`).join('\n')}
      )
      _describe -t commands ${quoted(`${path.join(' ')} command`)} choices && ret=0${
        place === undefined ? '' : `\n      _arguments ${quoted(`1: :${actionOf(place.name, place.kind)}`)} && ret=0`
      }
      ;;
    (words)
      curcontext="\${curcontext%:*:*}:${path.join('-')}-$line[1]:"
      fate_given+=( \${(k)opt_args} )
      case $line[1] in
${commands.map(({ path }) => `        (${path.at(-1)}) ${functionName(path)} && ret=0 ;;`).join('\n')}
      esac
      ;;
  esac
  return ret`;
}

/** One per name. What is in the parentheses is offered no more once it is there. */
function optionSpecs({ names, describe, value, repeats, conflicts }: OptionNode): string[] {
  const alone = names.includes('--help') || names.includes('--version');
  const against = alone ? '- *' : [...(repeats ? [] : names), ...conflicts].join(' ');
  return names.map((name) => {
    const takes = value === null ? '' : name.startsWith('--') ? '=' : '+';
    const action = value === null ? '' : `:${escaped(value.name)}:${actionOf(value.name, value.kind)}`;
    return `(${against})${repeats ? '*' : ''}${name}${takes}[${escaped(describe)}]${action}`;
  });
}

/** As in the specs of `_arguments`; a blank one offers nothing but says what is expected. */
function actionOf(name: string, kind: Kind): string {
  switch (kind.kind) {
    case 'task':
      return '_fate_tasks';
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'words':
      return `(${kind.words.join(' ')})`;
    case 'list':
      return `_values -s , ${name} ${kind.words.join(' ')}`;
    case 'free':
      return ' ';
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
