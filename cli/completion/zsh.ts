// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables look like that.
import { type CompletedCommand, pathsOf, type Values, valueOptions } from "./model.ts";

/** A script for zsh, for a folder of $fpath as _gramfleet, or to be sourced. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ name, value }) =>
      value === null || value.kind === "anything" ? [] : [`      ${quoted(`${path} ${name}`)}) ${offer(value)} ;;`],
    ),
  );
  const args = commands.flatMap(({ path, args: given }) =>
    given.flatMap(({ index, values: offered, several }) =>
      offered.kind === "anything"
        ? []
        : [`      ${quoted(`${path} `)}${several ? `[${index}-9]*` : index}) ${offer(offered)} ;;`],
    ),
  );
  return [
    "#compdef gramfleet",
    "# Completes gramfleet's commands in zsh. Made by: gramfleet completion zsh",
    "_gramfleet() {",
    "  local word at= option= args=0 i=2",
    "  local -a offered queues",
    "  while (( i < CURRENT )); do",
    '    word="${words[i]}"',
    '    case "$word" in',
    `      ${valueOptions(commands).join("|")})`,
    '        (( i + 1 >= CURRENT )) && option="$word"',
    "        (( i += 2 ))",
    "        continue ;;",
    "      -*) (( i++ )); continue ;;",
    "    esac",
    '    case "${at:+$at }$word" in',
    `      ${pathsOf(commands).map(quoted).join("|")}) at="\${at:+$at }$word" ;;`,
    "      *) (( args++ )) ;;",
    "    esac",
    "    (( i++ ))",
    "  done",
    '  if [[ -n "$option" ]]; then',
    '    case "$at $option" in',
    ...values,
    "    esac",
    '  elif [[ "${words[CURRENT]}" == -* ]]; then',
    '    case "$at" in',
    ...commands.map(({ path, options }) => `      ${quoted(path)}) offered=(${told(options)}) ;;`),
    "    esac",
    "    _describe -o option offered",
    "  else",
    '    case "$at" in',
    ...commands
      .filter(({ below }) => below.length > 0)
      .map(
        ({ path, below }) => `      ${quoted(path)}) offered=(${told(below)}); _describe command offered; return ;;`,
      ),
    "    esac",
    '    case "$at $args" in',
    ...args,
    "    esac",
    "  fi",
    "}",
    'if [[ "$funcstack[1]" == _gramfleet ]]; then _gramfleet "$@"; else compdef _gramfleet gramfleet; fi',
    "",
  ].join("\n");
}

function offer(value: Values): string {
  switch (value.kind) {
    case "words":
      return `compadd -- ${value.words.map(quoted).join(" ")}`;
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "queue":
      return 'queues=(${(s:,:)MASTER_API_IDS}); compadd -- parse-own "parse-"${^queues}';
    default:
      return ":";
  }
}

/** What `_describe` takes: a name, a colon, and what it is. */
const told = (entries: readonly { readonly name: string; readonly says: string }[]): string =>
  entries.map(({ name, says }) => quoted(`${name.replaceAll(":", "\\:")}:${says}`)).join(" ");

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
