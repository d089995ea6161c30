import { Command } from "commander";
import type { CommandEntry } from "./command-entry.ts";

/** The program with every command loaded in full, in the order of the table: for what is made from all of them. */
export async function wholeProgram(commands: Readonly<Record<string, CommandEntry>>): Promise<Command> {
  const program = new Command("gramfleet");
  for (const { says, load } of Object.values(commands)) program.addCommand((await load()).description(says));
  return program;
}
