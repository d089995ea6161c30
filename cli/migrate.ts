import { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { migrate } from "../db/migrate.ts";
import { openServices } from "../embedded/services.ts";
import { createLog } from "../runtime/log.ts";
import { type CommonOptions, commandEnvironment, dataDirOf } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { createOutput } from "./output.ts";

export function migrateCommand(): Command {
  return withCommonOptions(
    new Command("migrate").description(
      "bring the database's schema up to date; safe to run again, and by many at once",
    ),
  ).action(run);
}

async function run(options: CommonOptions): Promise<void> {
  const out = createOutput({ json: options.json ?? false });
  const log = createLog({ level: "warn", name: "migrate" });
  const dataDir = dataDirOf(options);
  const { env, database } = commandEnvironment(dataDir);
  const services = await openServices({ env, dataDir, database, log, needs: ["DATABASE_URL"] });
  try {
    const config = loadConfig(services.env, ["database"]);
    const applied = await migrate(config.databaseDirectUrl ?? "");
    out.result({ applied }, () =>
      applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`,
    );
  } finally {
    await services.close();
  }
}
