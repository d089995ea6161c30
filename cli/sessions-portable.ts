import { Command, Option } from "commander";
import { WRITTEN_FORMATS } from "../formats/portable-session/write.ts";
import type { DiscoverOptions } from "./discover/run.ts";
import type { ImportOptions } from "./import/run.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import type { ExportOptions } from "./sessions-export.ts";
import { withTenant } from "./tenant.ts";

/** Sessions that come from other programs, and go to them. */
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

export function exportSessionCommand(): Command {
  const command = new Command("export").description(
    "write a session's key to a new file, for another program; the session is parked here from then on",
  );
  return withTenant(withCommonOptions(command))
    .argument("<telegram_id>")
    .addOption(new Option("--format <format>", "whose session string").choices(WRITTEN_FORMATS).makeOptionMandatory())
    .requiredOption("--out <file>", "a file that is not there yet; nobody else may read it (0600)")
    .option("--i-know-what-this-is", "whoever has the file has the whole account, without code or password", false)
    .action(async (id: string, options: ExportOptions) =>
      (await import("./sessions-export.ts")).exportOne(id, options),
    );
}

export function discoverCommand(): Command {
  const command = new Command("discover").description(
    "say what each session file below a folder is, and whether it may be imported",
  );
  return withTenant(withCommonOptions(command))
    .argument("[dir]", "which folder; links below it are not followed (SESSIONS_BASE_PATH)")
    .option("--dry-run", "do nothing more; so it is without --import", false)
    .option("--import", "take over all that may be", false)
    .option("--api-id <id>", "the API ID of those that do not say", wholeNumber(1))
    .option("--yes", "their own programs have been stopped", false)
    .action(async (dir: string | undefined, options: DiscoverOptions) =>
      (await import("./discover/run.ts")).discover(dir, options),
    );
}
