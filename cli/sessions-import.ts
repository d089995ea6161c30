import { Command } from "commander";
import type { ImportOptions } from "./import/run.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { withTenant } from "./tenant.ts";

export function importCommand(): Command {
  const command = new Command("import").description(
    "take over a session of Telethon, GramJS or Pyrogram, whose own program has been stopped for good",
  );
  return withTenant(withCommonOptions(command))
    .option(
      "--string <session>",
      "a session string; - reads it from standard input, so that it stands neither in the shell's history nor in the list of processes (asked for)",
    )
    .option("--file <file>", "a .session file, or a text with a session string in it")
    .option("--telegram-id <id>", "whose it must be; else whoever it is becomes a user")
    .option("--app-id <id>", "which of the user's sessions it becomes (user_<telegram_id>)")
    .option(
      "--api-id <id>",
      "the API ID that it was made with, where the session does not say (asked for)",
      wholeNumber(1),
    )
    .option(
      "--api-hash <hash>",
      "of an API ID that is not configured here (better asked for: others see a command line)",
    )
    .option("--dry-run", "say what it is, and do nothing: no database, no connection", false)
    .option("--yes", "its own program has been stopped", false)
    .action(async (options: ImportOptions) => (await import("./import/run.ts")).importOne(options));
}
