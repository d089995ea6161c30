import type { Config } from "../config/load.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { loginDependencies } from "../telegram/from-config.ts";
import type { HolderOptions } from "./holder.ts";
import { startTickets, type Tickets } from "./tickets.ts";

/**
 * Starts holding tickets as configured, owned by `lifecycle`.
 *
 * @param process what only the process has
 * @throws DeadlinePassed where Redis does not answer
 */
export async function ownTickets(
  lifecycle: Lifecycle,
  config: Config,
  { redis, ...process }: Parameters<typeof loginDependencies>[1] & Pick<HolderOptions, "redis">,
): Promise<Tickets> {
  const { redisPrefix, keyring, limits } = config;
  const tickets = await startTickets({
    deps: loginDependencies(config, process),
    ...{ redis, redisPrefix, keyring },
    lifeMs: config.qrTicketMs,
    beatMs: limits.ticketBeatMs,
    sweepMs: limits.abandonedLoginsEveryMs,
  });
  return lifecycle.own("logins", tickets, (opened) => opened.close());
}
