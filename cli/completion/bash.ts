// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables look like that.
import { type CompletedCommand, pathsOf, type Values, valueOptions } from "./model.ts";

/** A script for bash: everything is in it, so that a TAB starts no process of ours. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const cases = (entries: readonly (readonly [pattern: string, does: string])[]) =>
    entries.map(([pattern, does]) => `    ${pattern}) ${does} ;;`);
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ name, value }) =>
      value === null || value.kind === "anything" ? [] : [[quoted(`${path} ${name}`), offer(value)] as const],
    ),
  );
  const args = commands.flatMap(({ path, args: given }) =>
    given.flatMap(({ index, values: offered, several }) =>
      offered.kind === "anything"
        ? []
        : [[`${quoted(`${path} `)}${several ? `[${index}-9]*` : index}`, offer(offered)] as const],
    ),
  );
  return [
    "# Completes gramfleet's commands in bash. Made by: gramfleet completion bash",
    "_gramfleet() {",
    "  local word path= option= args=0 i=1 words= kind=",
    '  local current="${COMP_WORDS[COMP_CWORD]}"',
    "  COMPREPLY=()",
    "  while ((i < COMP_CWORD)); do",
    '    word="${COMP_WORDS[i]}"',
    '    case "$word" in',
    `      ${valueOptions(commands).join("|")})`,
    "        # --name=value is three words to bash.",
    '        [[ "${COMP_WORDS[i + 1]}" == = ]] && ((i++))',
    '        if ((i + 1 >= COMP_CWORD)); then option="$word"; [[ "$current" == = ]] && current=; fi',
    "        ((i += 2))",
    "        continue ;;",
    "      -*) ((i++)); continue ;;",
    "    esac",
    '    case "${path:+$path }$word" in',
    `      ${pathsOf(commands).map(quoted).join("|")}) path="\${path:+$path }$word" ;;`,
    "      *) ((args++)) ;;",
    "    esac",
    "    ((i++))",
    "  done",
    '  if [[ -n "$option" ]]; then',
    '    case "$path $option" in',
    ...cases(values).map((line) => `  ${line}`),
    "    esac",
    '  elif [[ "$current" == -* ]]; then',
    '    case "$path" in',
    ...cases(
      commands.map(({ path, options }) => [quoted(path), `words=${quoted(options.map(({ name }) => name).join(" "))}`]),
    ).map((line) => `  ${line}`),
    "    esac",
    "  else",
    '    case "$path" in',
    ...cases(
      commands
        .filter(({ below }) => below.length > 0)
        .map(({ path, below }) => [quoted(path), `words=${quoted(below.map(({ name }) => name).join(" "))}`]),
    ).map((line) => `  ${line}`),
    "    esac",
    '    [[ -z "$words" ]] && case "$path $args" in',
    ...cases(args).map((line) => `  ${line}`),
    "    esac",
    "  fi",
    '  case "$kind" in',
    '    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;',
    '    folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;',
    '    queue) words="parse-own"; for word in ${MASTER_API_IDS//,/ }; do words+=" parse-$word"; done ;;&',
    '    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;',
    "  esac",
    "}",
    "complete -F _gramfleet gramfleet",
    "",
  ].join("\n");
}

const offer = (value: Values): string =>
  value.kind === "words" ? `words=${quoted(value.words.join(" "))}` : `kind=${value.kind}`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
