import type { Command } from "commander";

/** A line as it is typed, and what comes of it. */
export type Example = readonly [line: string, says: string];

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Adds what `--help`, and the documentation, show of a command at work. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  EXAMPLES.set(command, examples);
  return command.addHelpText("after", () => `\nExamples:\n${lines(examples).join("\n")}`);
}

export const examplesOf = (command: Command): readonly Example[] => EXAMPLES.get(command) ?? [];

function lines(examples: readonly Example[]): string[] {
  const widest = Math.max(...examples.map(([line]) => line.length));
  return examples.map(([line, says]) => `  ${line.padEnd(widest)}  ${says}`);
}
