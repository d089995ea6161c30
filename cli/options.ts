import { type Command, InvalidArgumentError, Option } from "commander";

/** Adds where a command finds what is embedded. */
export function withDataDir(command: Command): Command {
  return command.addOption(
    new Option("--data-dir <dir>", "where embedded services keep their data (.gramfleet)").argParser(nonEmpty),
  );
}

/** Adds what every command that prints data understands. */
export function withCommonOptions(command: Command): Command {
  return withDataDir(command)
    .addOption(new Option("--json", "print JSON").default(false))
    .addOption(new Option("--verbose", "say more on standard error"));
}

function nonEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** A whole number of at least `least`, as an argument parser. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It is a whole number from ${least}.`);
    return value;
  };

/** The id of a row, as a list shows it. */
export function rowId(text: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError("It is a whole number from 1.");
  return BigInt(text);
}

/** A number of at least `least`. */
export const atLeast =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isFinite(value) || value < least) throw new InvalidArgumentError(`It is a number from ${least}.`);
    return value;
  };
