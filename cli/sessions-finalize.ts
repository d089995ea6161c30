import { unfinishedImports } from "../db/imports.ts";
import { pendingLogins } from "../db/unclaimed-sessions.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { sleep } from "../runtime/sleep.ts";
import { loginDependencies } from "../telegram/from-config.ts";
import { endAbandonedLogins } from "../telegram/login/abandoned.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { openFleet } from "./log-in.ts";

const MOST = 1_000;
/** How often it tries those that are left. */
const EVERY_MS = 500;
/** What a lease takes beyond its time to be seen standing still. */
const MARGIN_MS = 2_000;

/**
 * Ends the logins that nobody goes on with, now, as workers do every minute: their keys are logged out at Telegram, and
 * what imports left is deleted. A login whose process lives holds its lease, and is left alone; for one that was killed
 * its lease has to run out first.
 */
export async function finalize(options: CommonOptions): Promise<void> {
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { config, database, lifecycle, log, out } = context;
    const metrics = createMetrics();
    const fleet = await openFleet(context, metrics);
    const login = loginDependencies(config, { database, fleet, metrics, clock, log });
    const until = performance.now() + config.limits.leaseMs + config.limits.quietMs + MARGIN_MS;
    let ended = 0;
    let left = 0;
    for (;;) {
      ended += await endAbandonedLogins(login);
      left = await database.asWorker(
        async (tx) => (await pendingLogins(tx, MOST)).length + (await unfinishedImports(tx, MOST)).length,
      );
      if (left === 0 || performance.now() >= until || lifecycle.signal.aborted) break;
      out.progress(`${ended} ended; ${left} left: looking whether anybody goes on with them`);
      await sleep(EVERY_MS, lifecycle.signal);
    }
    out.result({ ended, left }, () => {
      const rest =
        left === 0 ? "none is left" : `${left} left: under way, or Telegram cannot be asked (--verbose says why)`;
      return `${ended} abandoned logins ended; ${rest}`;
    });
  });
}
