import { type Command, InvalidArgumentError, Option } from "commander";

/** Adds what every command that prints data understands. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option("--json", "print JSON").default(false))
    .addOption(new Option("--data-dir <dir>", "where embedded services keep their data (.gramfleet)"));
}

/** A whole number of at least `least`, as an argument parser. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`It is a whole number from ${least}.`);
    return value;
  };

/** A number of at least `least`. */
export const atLeast =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isFinite(value) || value < least) throw new InvalidArgumentError(`It is a number from ${least}.`);
    return value;
  };
