import type { Argument, Command, Option } from "commander";

/** What can be typed at a place: words, or what the shell knows itself. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "folder" | "queue" | "anything" };

export interface CompletedOption {
  /** `--json`. */
  readonly name: string;
  readonly says: string;
  /** Null where it takes none. */
  readonly value: Values | null;
}

export interface CompletedArgument {
  /** Its place among the arguments, from 0. */
  readonly index: number;
  readonly values: Values;
  /** It stands for all that follow, too. */
  readonly several: boolean;
}

/** A command as it is completed: `path` is what is typed before it, without the program's name. */
export interface CompletedCommand {
  readonly path: string;
  readonly below: readonly { readonly name: string; readonly says: string }[];
  readonly options: readonly CompletedOption[];
  readonly args: readonly CompletedArgument[];
}

/** Everything that can be typed, from the program and its commands, loaded in full. */
export function completed(program: Command): CompletedCommand[] {
  return [...commandsBelow(program, "")];
}

function* commandsBelow(command: Command, path: string): Generator<CompletedCommand> {
  const help = { name: "--help", says: "show what there is", value: null };
  const version = path === "" ? [{ name: "--version", says: "show the version", value: null }] : [];
  yield {
    path,
    below: command.commands.map((one) => ({ name: one.name(), says: one.description() })),
    options: [...command.options.filter(isTyped).map(optionOf), ...version, help],
    args: command.registeredArguments.map((argument, index) => ({
      index,
      values: valuesOf(argument, argument.name()),
      several: argument.variadic,
    })),
  };
  for (const below of command.commands) yield* commandsBelow(below, `${path} ${below.name()}`.trim());
}

const isTyped = (option: Option): boolean => option.long !== undefined && option.long !== "--version" && !option.hidden;

function optionOf(option: Option): CompletedOption {
  const placeholder = /[<[]([^\]>.]+)/.exec(option.flags)?.[1];
  return {
    name: option.long ?? "",
    says: option.description,
    value: placeholder === undefined ? null : valuesOf(option, placeholder),
  };
}

function valuesOf(of: Pick<Argument | Option, "argChoices">, placeholder: string): Values {
  if (of.argChoices) return { kind: "words", words: of.argChoices };
  if (placeholder === "file" || placeholder === "socket") return { kind: "file" };
  if (placeholder === "dir") return { kind: "folder" };
  return { kind: placeholder === "queue" ? "queue" : "anything" };
}

/** The options that take a value, wherever they stand: what follows one is no command and no argument. */
export function valueOptions(commands: readonly CompletedCommand[]): string[] {
  const names = commands.flatMap(({ options }) => options.flatMap(({ name, value }) => (value === null ? [] : [name])));
  return [...new Set(names)].sort();
}

/** The paths of all commands but the program's own. */
export const pathsOf = (commands: readonly CompletedCommand[]): string[] =>
  commands.flatMap(({ path }) => (path === "" ? [] : [path]));
