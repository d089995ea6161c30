// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables look like that.
import { type CompletedCommand, pathsOf, type Values, valueOptions } from "./model.ts";

/** A script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const at = (path: string, more = "") => `-n ${quoted(`__gramfleet_at ${escaped(path)}${more}`)}`;
  const lines = commands.flatMap(({ path, below, options, args }) => [
    ...below.map(({ name, says }) => `complete -c gramfleet ${at(path)} -a ${quoted(name)} -d ${quoted(says)}`),
    ...options.map(
      ({ name, says, value }) =>
        `complete -c gramfleet ${at(path)} -l ${name.slice(2)} -d ${quoted(says)}${value === null ? "" : takes(value)}`,
    ),
    ...args.flatMap(({ index, values, several }) => {
      const which = several ? ` ${index} more` : ` ${index}`;
      return values.kind === "anything" ? [] : [`complete -c gramfleet ${at(path, which)}${offer(values)}`];
    }),
  ]);
  return [
    "# Completes gramfleet's commands in fish. Made by: gramfleet completion fish",
    "function __gramfleet_queues",
    "  echo parse-own",
    '  for id in (string split -n , "$MASTER_API_IDS"); echo parse-$id; end',
    "end",
    "# Whether a command stands before the cursor, and so many arguments (or more) behind it.",
    "function __gramfleet_at -a wanted wanted_args more",
    "  set -l at ''",
    "  set -l args 0",
    "  set -l skip 0",
    "  for word in (commandline -opc)[2..-1]",
    "    if test $skip = 1; set skip 0; continue; end",
    "    switch $word",
    `      case ${valueOptions(commands).join(" ")}; set skip 1; continue`,
    "      case '-*'; continue",
    "    end",
    '    switch (string trim -- "$at $word")',
    `      case ${pathsOf(commands).map(quoted).join(" ")}; set at (string trim -- "$at $word")`,
    "      case '*'; set args (math $args + 1)",
    "    end",
    "  end",
    '  test "$at" = "$wanted"; or return 1',
    '  test -z "$wanted_args"; and return 0',
    '  test -n "$more"; and test $args -ge $wanted_args; or test $args -eq $wanted_args',
    "end",
    "complete -c gramfleet -f",
    ...lines,
    "",
  ].join("\n");
}

/** Of an option: `-r` for what fish completes itself, `-x` for nothing but these. */
const takes = (value: Values): string => {
  if (value.kind === "file") return " -r -F";
  return value.kind === "folder" ? ` -x -a ${quoted("(__fish_complete_directories)")}` : ` -x${words(value)}`;
};

const offer = (value: Values): string => (value.kind === "file" ? " -F" : words(value));

function words(value: Values): string {
  if (value.kind === "words") return ` -a ${quoted(value.words.join(" "))}`;
  return value.kind === "queue" ? ` -a ${quoted("(__gramfleet_queues)")}` : "";
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
const escaped = (path: string): string => `"${path}"`;
