import { pendingLogins } from "../db/unclaimed-sessions.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { loginDependencies } from "../telegram/from-config.ts";
import { endAbandonedLogins } from "../telegram/login/abandoned.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { openFleet } from "./log-in.ts";

/**
 * Ends the logins that nobody goes on with, now, as workers do every minute: their keys are logged out at Telegram. A
 * login whose process lives holds its lease, and is left alone.
 */
export async function finalize(options: CommonOptions): Promise<void> {
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { config, database, log, out } = context;
    const metrics = createMetrics({ process: "worker" });
    const fleet = await openFleet(context, metrics);
    const ended = await endAbandonedLogins(loginDependencies(config, { database, fleet, metrics, clock, log }));
    const left = (await database.asWorker((tx) => pendingLogins(tx, 1_000))).length;
    out.result(
      { ended, left },
      () =>
        `${ended} abandoned logins ended; ${left} left: under way, or Telegram cannot be asked (--verbose says why)`,
    );
  });
}
