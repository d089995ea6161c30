import { createInterface } from "node:readline";
import { OperatorError } from "../runtime/operator-error.ts";

/**
 * Asks one question on the terminal; the answer of a `secret` one is not shown.
 * @throws OperatorError where nobody is there to answer: `flag` says how to give it
 */
export function ask(question: string, options: { secret?: boolean; flag: string }): Promise<string> {
  if (!process.stdin.isTTY)
    throw new OperatorError(`no terminal to ask "${question}" on: give ${options.flag}`, { exitCode: 2 });
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  if (options.secret) hideTyping(lines, question);
  return new Promise((resolve, reject) => {
    lines.once("close", () => reject(new OperatorError("interrupted")));
    lines.question(`${question}: `, (answer) => {
      resolve(answer.trim());
      lines.close();
      if (options.secret) process.stderr.write("\n");
    });
  });
}

/** readline echoes what is typed through this one method. */
function hideTyping(lines: ReturnType<typeof createInterface>, question: string): void {
  const echo = lines as unknown as { _writeToOutput(text: string): void };
  echo._writeToOutput = (text) => {
    if (text.includes(question)) process.stderr.write(text);
  };
}
