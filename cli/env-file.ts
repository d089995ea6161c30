import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { OperatorError } from "../runtime/operator-error.ts";

/** A blank line, a comment, or NAME=value with the value bare or quoted (then over several lines, if it likes). */
const ENTRY =
  /[ \t]*(?:#[^\n]*|(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`|[^\n]*)[^\n]*)?(?:\n|$)/y;

/**
 * Adds the variables of `file` to `env`, where there is such a file; what is set already stays.
 *
 * @throws OperatorError where it cannot be read, or a line of it is neither a variable nor a comment (the line's number,
 *   never what it says: it may be a secret)
 */
export function loadEnvFile(file: string, env: NodeJS.ProcessEnv): void {
  const text = read(file);
  if (text === null) return;
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const at = ENTRY.lastIndex;
    if (!ENTRY.test(text))
      throw new OperatorError(`${file}: line ${text.slice(0, at).split("\n").length} is not NAME=value`);
  }
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return null;
    throw new OperatorError(`${file} cannot be read (${code}): mend or remove it`, { cause: error });
  }
}
