import { randomBytes } from "node:crypto";
import bigInt from "big-integer";
import { Api } from "telegram/tl/api.js";
import type { ConnectionTimes } from "../connection.ts";

/**
 * Pings by `ping_delay_disconnect`, at once and then every `pingEveryMs`: the data center drops the connection when it
 * has heard no ping for the delay, so a frozen process holds none. The protocol counts the delay in whole seconds
 * (GramJS passes 60,000 of them); it is rounded down, since it must stay below the quiet time of leases.
 *
 * `dead` is told when no pong has come for as long. Gives the function that stops it.
 */
export function startPings(options: {
  times: Pick<ConnectionTimes, "pingEveryMs" | "pingDisconnectMs">;
  send(ping: Api.PingDelayDisconnect): Promise<unknown> | undefined;
  dead(): void;
}): () => void {
  const { pingEveryMs, pingDisconnectMs } = options.times;
  const disconnectDelay = Math.max(1, Math.floor(pingDisconnectMs / 1000));
  let unanswered = 0;
  const ping = () => {
    if (unanswered * pingEveryMs > Math.max(pingDisconnectMs, 2 * pingEveryMs)) return options.dead();
    unanswered += 1;
    const pingId = bigInt(randomBytes(6).toString("hex"), 16);
    options.send(new Api.PingDelayDisconnect({ pingId, disconnectDelay }))?.then(
      () => {
        unanswered = 0;
      },
      () => {},
    );
  };
  const timer = setInterval(ping, pingEveryMs);
  ping();
  return () => clearInterval(timer);
}
