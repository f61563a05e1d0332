/**
 * The commands and options of the three programs as a description, taken from the parser that reads command lines: what is
 * completed cannot differ from what is understood. For the renderers, one per shell. Pure, but for the parser's own making.
 */
import yargs, { type Argv } from 'yargs';
import type { Program } from '../context.ts';
import { makeParser } from '../parser.ts';
import { type Kind, kindOf, RUNS_COMMANDS } from './kinds.ts';

export interface OptionNode {
  /** With their dashes, the longest first: `--number`, `-n`. */
  readonly names: readonly string[];
  readonly describe: string;
  /** Null: it takes no value. */
  readonly value: { readonly name: string; readonly kind: Kind } | null;
  readonly repeats: boolean;
  /** Whether the commands below have it too. */
  readonly isGlobal: boolean;
  /** Names of options that cannot stand beside it. */
  readonly conflicts: readonly string[];
}

export interface PositionalNode {
  readonly name: string;
  readonly describe: string;
  readonly kind: Kind;
  readonly repeats: boolean;
}

export interface CommandNode {
  /** The words that call it: `fate debug run`. */
  readonly path: readonly string[];
  readonly describe: string;
  readonly options: readonly OptionNode[];
  readonly positionals: readonly PositionalNode[];
  readonly commands: readonly CommandNode[];
  /** Whether what follows is a command line of its own. */
  readonly runsCommand: boolean;
}

/** What yargs keeps of a command; yargs/build/lib/command.js. */
interface Handler {
  readonly original: string;
  readonly description?: string | false;
  readonly builder: unknown;
  readonly demanded: readonly Place[];
  readonly optional: readonly Place[];
}
interface Place {
  readonly cmd: readonly string[];
  readonly variadic: boolean;
}

/**
 * The part of yargs that says what a parser was told. Its types leave it out: `getInternalMethods` and `getOptions` are
 * there for yargs' own completion and help, and are what those are made from. tree.test.ts fails where they change.
 */
interface Insides {
  getOptions(): {
    readonly key: Readonly<Record<string, unknown>>;
    readonly alias: Readonly<Record<string, readonly string[]>>;
    readonly boolean: readonly string[];
    readonly count: readonly string[];
    readonly array: readonly string[];
    readonly hiddenOptions: readonly string[];
    /** Those that the commands below do not have. */
    readonly local: readonly string[];
    readonly choices: Readonly<Record<string, readonly string[]>>;
  };
  getGroups(): Readonly<Record<string, readonly string[]>>;
  getInternalMethods(): {
    getCommandInstance(): { getCommandHandlers(): Readonly<Record<string, Handler>> };
    getUsageInstance(): {
      getDescriptions(): Readonly<Record<string, string | undefined>>;
      getPositionalGroupName(): string;
    };
    getValidationInstance(): { getConflicting(): Readonly<Record<string, readonly string[]>> };
  };
}

/** The command that stands for its parent where none is named. */
const DEFAULT = '$0';
const FREE: Kind = { kind: 'free' };
const PROGRAMS: readonly Program[] = ['fate', 'fated', 'fates'];

export function programTrees(): readonly CommandNode[] {
  return PROGRAMS.map((program) => {
    const parser = insidesOf(makeParser(program, () => {}));
    return commandNode([program], '', parser, [], []);
  });
}

/** A tree and all below it. */
export function everyCommand(node: CommandNode): readonly CommandNode[] {
  return [node, ...node.commands.flatMap(everyCommand)];
}

const insidesOf = (parser: Argv): Insides => parser as unknown as Insides;

function commandNode(
  path: readonly string[],
  describe: string,
  parser: Insides,
  places: readonly Place[],
  inherited: readonly OptionNode[],
): CommandNode {
  const handlers = Object.entries(parser.getInternalMethods().getCommandInstance().getCommandHandlers());
  const own = optionsOf(parser);
  const passedOn = distinct([...own.filter(({ isGlobal }) => isGlobal), ...inherited]);
  const standIn = handlers.find(([name]) => name === DEFAULT)?.[1];
  const alone = standIn === undefined ? null : commandNode(path, '', built(standIn), placesOf(standIn), []);
  const options = distinct([...(alone?.options ?? []), ...own, ...inherited]);
  return {
    path,
    describe,
    options,
    positionals: [...positionalsOf(parser, places), ...(alone?.positionals ?? [])],
    commands: handlers
      .filter(([name, { description }]) => name !== DEFAULT && description !== false)
      .map(([name, handler]) =>
        commandNode([...path, name], handler.description || '', built(handler), placesOf(handler), passedOn),
      ),
    runsCommand: RUNS_COMMANDS.includes(path.join(' ')),
  };
}

const placesOf = ({ demanded, optional }: Handler): readonly Place[] => [...demanded, ...optional];

const distinct = (options: readonly OptionNode[]): readonly OptionNode[] => [
  ...new Map(options.map((option) => [option.names.join(), option])).values(),
];

/** A parser that knows nothing but what a command's builder tells it. */
function built({ builder }: Handler): Insides {
  const parser = yargs([], '/').help(false).version(false);
  if (typeof builder === 'function') builder(parser);
  else parser.options(builder as Parameters<Argv['options']>[0]);
  return insidesOf(parser);
}

function optionsOf(parser: Insides): OptionNode[] {
  const { key, alias, boolean, count, array, hiddenOptions, local, choices } = parser.getOptions();
  const usage = parser.getInternalMethods().getUsageInstance();
  const conflicting = parser.getInternalMethods().getValidationInstance().getConflicting();
  const positional = parser.getGroups()[usage.getPositionalGroupName()] ?? [];
  const aliases = new Set(Object.values(alias).flat());
  return Object.keys(key)
    .filter((name) => !aliases.has(name) && !positional.includes(name) && !hiddenOptions.includes(name))
    .map((name) => {
      const flag = boolean.includes(name) || count.includes(name);
      const against = [
        ...(conflicting[name] ?? []),
        ...Object.keys(conflicting).filter((other) => conflicting[other]?.includes(name)),
      ];
      return {
        names: [name, ...(alias[name] ?? [])].map(dashed).sort((a, b) => b.length - a.length),
        describe: usage.getDescriptions()[name] ?? '',
        value: flag ? null : { name, kind: kindOf(name, choices[name]) ?? FREE },
        isGlobal: !local.includes(name),
        repeats: array.includes(name) || count.includes(name),
        conflicts: against.map(dashed),
      };
    });
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

function positionalsOf(parser: Insides, places: readonly Place[]): PositionalNode[] {
  const { choices } = parser.getOptions();
  const descriptions = parser.getInternalMethods().getUsageInstance().getDescriptions();
  return places.map(({ cmd: [name = ''], variadic }) => ({
    name,
    describe: descriptions[name] ?? '',
    kind: kindOf(name, choices[name]) ?? FREE,
    repeats: variadic,
  }));
}
