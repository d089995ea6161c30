import { loadConfig } from "../../config/load.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import { openBenchDatabase } from "../fleet.ts";
import type { Ground } from "../ground.ts";
import { sideCommand, startProcess } from "../process.ts";
import type { Run, Sides } from "../side-by-side.ts";
import { addUsers } from "./users.ts";

/**
 * Ours claims due users in PostgreSQL and enqueues them, 1,000 at a time; the baseline enqueues the same jobs. With
 * `oldSnapshot` hours of parses lie behind ours, and a transaction as old as they are is open.
 */
export async function openDue(
  ground: Ground,
  lifecycle: Lifecycle,
  options: { readonly users: number; readonly oldSnapshot?: boolean },
): Promise<Sides> {
  const name = options.oldSnapshot ? "due_old_snapshot" : "due";
  const env = { ...(await ground.environment(`bench_${name}`)), REDIS_PREFIX: `bench-${name}` };
  const database = openBenchDatabase(loadConfig(env, ["database"]), ground);
  await addUsers(database, options.users).finally(() => database.close());
  const start = (name: string, module: URL) =>
    acquire(
      lifecycle,
      name,
      startProcess({ name, command: sideCommand(module), env, logFile: ground.logFile(name) }),
      (side) => side.stop(),
    );
  const addBulk = await start("add-bulk", new URL("./add-bulk.ts", import.meta.url));
  const scan = await start("due-scan", new URL("./scan.ts", import.meta.url));
  if (options.oldSnapshot) await scan.ask("growOld");
  const checked = (run: Run): Run => {
    if (run.count !== options.users) throw new Error(`${run.count} of ${options.users} users were enqueued`);
    return run;
  };
  return {
    ours: async () => checked(await scan.ask<Run>("run")),
    baseline: async () => checked(await addBulk.ask<Run>("run")),
  };
}
