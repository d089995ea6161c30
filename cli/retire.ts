import { Command } from "commander";
import type { Database } from "../db/database.ts";
import { beginRetiring, finishRetiring } from "../db/installation.ts";
import { listLeases } from "../db/leases.ts";
import { parkAll } from "../db/parked-sessions.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import { inspectInstallation } from "../telegram/installation/inspect.ts";
import { REFUSALS } from "../telegram/installation/judge.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";

interface RetireOptions extends CommonOptions {
  readonly yes: boolean;
}

export function retireCommand(): Command {
  return withCommonOptions(new Command("retire")).option("--yes", "really", false).action(retire);
}

/**
 * Ends an installation's use of its sessions: nobody takes a lease any more, who has one loses it with the next
 * heartbeat, and the mark is written once all of them are gone, or as old as none can be that is still in use.
 */
async function retire(options: RetireOptions): Promise<void> {
  if (!options.yes)
    throw new OperatorError("this ends the use of every session in this database, for good: say --yes to do it", {
      exitCode: 2,
    });
  await withContext(options, [], async ({ out, config, database, lifecycle }) => {
    const installId = config.installation.id;
    const { installation, refused } = await inspectInstallation({ database, installId, marks: [] });
    if (!installation)
      throw new OperatorError("no installation has begun in this database: there is nothing to retire");
    if (refused && refused !== "retired")
      throw new OperatorError(`${REFUSALS[refused]}: only the installation's own database can be retired`);
    if (!installation.retiredAt) {
      await database.asOwner(beginRetiring);
      const { leaseMs, quietMs, heartbeatMs } = config.limits;
      const left = await leasesGone(
        database,
        leaseMs + quietMs + heartbeatMs,
        (leases) => out.progress(`waiting for ${leases} leases to end`),
        lifecycle.signal,
      );
      if (left > 0) out.note(`left by processes that are gone, and in use by nobody any more: ${left} leases`);
      await database.asOwner(finishRetiring);
    }
    const parked = await database.asOwner(parkAll);
    out.result({ retired: true, parked }, () => [
      `retired: ${parked} sessions are parked here for good, and no process opens any`,
      "make an archive now (gramfleet backup create), or give this database's address to backup restore --old-database",
    ]);
  });
}

/** Resolves when there are none, or nobody can use one any more: the holders' own deadlines are over. Gives how many are left. */
async function leasesGone(
  database: Database,
  withinMs: number,
  progress: (leases: number) => void,
  signal: AbortSignal,
): Promise<number> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const { length } = await database.once(listLeases);
    if (length === 0 || performance.now() > giveUpAt) return length;
    progress(length);
    await sleep(Math.min(250, withinMs / 20), signal);
  }
}
