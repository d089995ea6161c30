import { Command } from "commander";
import { migrate } from "../db/migrate.ts";
import { createLog } from "../runtime/log.ts";
import type { CommonOptions } from "./context.ts";
import { dataDirOf, openConfigured } from "./environment.ts";
import { withCommonOptions } from "./options.ts";
import { createOutput } from "./output.ts";

export function migrateCommand(): Command {
  return withCommonOptions(new Command("migrate")).action(run);
}

async function run(options: CommonOptions): Promise<void> {
  const out = createOutput({ json: options.json ?? false });
  const log = createLog({ level: options.verbose ? "debug" : "warn", name: "migrate" });
  const { config, services } = await openConfigured({ dataDir: dataDirOf(options), needs: ["database"], log });
  try {
    const applied = await migrate(config.databaseOwnerUrl ?? "");
    out.result({ applied }, () =>
      applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`,
    );
  } finally {
    await services.close();
  }
}
