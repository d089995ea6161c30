// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables look like that.
import type { Command } from "commander";
import { EXAMPLES } from "./examples.ts";

/** docs/cli.md, from the program and its commands, loaded in full. */
export function cliDocumentation(program: Command): string {
  const commands = program.commands.map((command) => ({ name: command.name(), says: command.description() }));
  return [
    "# Commands",
    "",
    "Every command has `--help`; those that print data have `--json`, with the same in it and ids as strings. Exit codes:",
    "0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl-C. What fails is said in one line on standard error, with what to do.",
    "Tables fit the terminal, and have colours there unless `NO_COLOR` is set; in a pipe nothing is cut. Progress of long",
    "work is drawn on standard error, on a terminal alone.",
    "",
    "Variables are read from the environment, then from `.env` in the folder where a command is called: see `.env.example`.",
    "",
    "`gramfleet completion bash|zsh|fish` makes a script with which a shell completes commands, options and values:",
    "",
    "```",
    "gramfleet completion bash > ~/.local/share/bash-completion/completions/gramfleet",
    'gramfleet completion zsh > "${fpath[1]}/_gramfleet"',
    "gramfleet completion fish > ~/.config/fish/completions/gramfleet.fish",
    "```",
    "",
    "| command | what it does |",
    "|---|---|",
    ...commands.map(({ name, says }) => `| [\`${name}\`](#gramfleet-${name}) | ${cell(says)} |`),
    "",
    ...program.commands.flatMap((command) => sectionOf(command)),
  ].join("\n");
}

function sectionOf(command: Command): string[] {
  const path = command.name();
  const leaves = [...leavesOf(command, path)];
  return [
    `## gramfleet ${path}`,
    "",
    sentence(command.description()),
    "",
    ...leaves.flatMap((leaf) => [
      ...(leaf.path === path ? [] : [`### gramfleet ${leaf.path}`, "", sentence(leaf.command.description()), ""]),
      ...bodyOf(leaf),
    ]),
  ];
}

interface Leaf {
  readonly command: Command;
  readonly path: string;
}

function* leavesOf(command: Command, path: string): Generator<Leaf> {
  if (command.commands.length === 0) yield { command, path };
  for (const below of command.commands) yield* leavesOf(below, `${path} ${below.name()}`);
}

function bodyOf({ command, path }: Leaf): string[] {
  const { registeredArguments: args, options } = command;
  const usage = [`gramfleet ${path}`, ...args.map(argumentText), ...(options.length > 0 ? ["[options]"] : [])].join(
    " ",
  );
  const rows = [
    ...args.filter(({ description }) => description !== "").map((one) => [argumentText(one), choicesOf(one)]),
    ...options.filter(({ hidden }) => !hidden).map((option) => [option.flags, choicesOf(option)]),
  ];
  const examples = EXAMPLES[path] ?? [];
  return [
    "```",
    usage,
    "```",
    "",
    ...(rows.length === 0
      ? []
      : ["| | |", "|---|---|", ...rows.map(([name = "", says = ""]) => `| \`${name}\` | ${cell(says)} |`), ""]),
    ...examples.flatMap(([line, says]) => [`- \`${line}\`: ${says}`]),
    ...(examples.length > 0 ? [""] : []),
  ];
}

type Documented = Command["registeredArguments"][number] | Command["options"][number];

function choicesOf(of: Documented): string {
  const { description, argChoices, defaultValue } = of;
  const shown =
    defaultValue === undefined || defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  return [
    description,
    ...(argChoices ? [`: ${argChoices.join(", ")}`] : []),
    ...(shown ? [] : [` (${defaultValue === true ? "so by default" : `${defaultValue} by default`})`]),
  ].join("");
}

function argumentText(argument: Command["registeredArguments"][number]): string {
  const text = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${text}>` : `[${text}]`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const cell = (text: string): string => text.replaceAll("|", "\\|");
