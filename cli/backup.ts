import { Command } from "commander";
import type { CreateOptions } from "./backup/create.ts";
import type { RestoreOptions } from "./backup/restore.ts";
import { sessionName } from "./backup/session-name.ts";
import type { VerifyOptions } from "./backup/verify.ts";
import type { CommonOptions } from "./context.ts";
import { withCommonOptions } from "./options.ts";

const SESSION = "one session only, by its tenant and app, such as default:user_5000001";

export function backupCommand(): Command {
  const backup = new Command("backup");
  backup.addCommand(
    withCommonOptions(new Command("create").description("write an encrypted archive of the sessions"))
      .option("--session <tenant:app>", SESSION, sessionName)
      .option("--out <file>", "where to; a new file in BACKUP_DIR unless given")
      .action(async (options: CreateOptions) => (await import("./backup/create.ts")).create(options)),
  );
  backup.addCommand(
    withCommonOptions(new Command("list").description("the archives in BACKUP_DIR, the newest first")).action(
      async (options: CommonOptions) => (await import("./backup/list.ts")).list(options),
    ),
  );
  backup.addCommand(
    withCommonOptions(new Command("verify").description("read an archive to its end, and open each session in it"))
      .argument("[file]")
      .option("--all", "every archive in BACKUP_DIR", false)
      .action(async (file: string | undefined, options: VerifyOptions) =>
        (await import("./backup/verify.ts")).verify(file, options),
      ),
  );
  backup.addCommand(
    withCommonOptions(
      new Command("restore").description("put an archive's sessions back: all of it, or nothing where it is not whole"),
    )
      .argument("<file>")
      .option("--dry-run", "say what would be done, and do nothing", false)
      .option("--session <tenant:app>", SESSION, sessionName)
      .option("--force", "put them over newer ones, too", false)
      .option("--old-database <url>", "the database that they are from, retired: then they need not be parked")
      .action(async (file: string, options: RestoreOptions) =>
        (await import("./backup/restore.ts")).restore(file, options),
      ),
  );
  backup.addCommand(
    withCommonOptions(
      new Command("prune").description(
        "delete the archives that are older than BACKUP_RETENTION_DAYS, but never the newest good one",
      ),
    ).action(async (options: CommonOptions) => (await import("./backup/prune.ts")).prune(options)),
  );
  return backup;
}
