import type { Command } from "commander";

/** A command, as the table of them has it. */
export interface CommandEntry {
  /** One line of `gramfleet --help`. */
  readonly says: string;
  readonly load: () => Promise<Command>;
}
