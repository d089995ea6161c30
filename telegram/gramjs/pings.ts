import { randomBytes } from "node:crypto";
import bigInt from "big-integer";
import { Api } from "telegram/tl/api.js";
import type { ConnectionTimes } from "../connection.ts";

export interface PingEvents {
  /** Sends it, and gives its pong. */
  sendPing(ping: Api.PingDelayDisconnect): Promise<unknown> | undefined;
  /** No pong has come for the delay after which the data center itself gives up. */
  lost(): void;
}

/**
 * Pings by `ping_delay_disconnect`, at once and then every `pingEveryMs`, until stopped: the data center drops the
 * connection when it has heard no ping for the delay, so a frozen process holds none. The protocol counts the delay in
 * whole seconds (GramJS passes 60,000 of them); it is rounded down, since it must stay below the quiet time of leases.
 */
export class Pings {
  readonly #times: Pick<ConnectionTimes, "pingEveryMs" | "pingDisconnectMs">;
  readonly #events: PingEvents;
  readonly #timer: NodeJS.Timeout;
  #unanswered = 0;

  constructor(times: Pick<ConnectionTimes, "pingEveryMs" | "pingDisconnectMs">, events: PingEvents) {
    this.#times = times;
    this.#events = events;
    this.#timer = setInterval(Pings.#next, times.pingEveryMs, this);
    this.#ping();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One function for all of them. */
  static #next(pings: Pings): void {
    pings.#ping();
  }

  #ping(): void {
    const { pingEveryMs, pingDisconnectMs } = this.#times;
    if (this.#unanswered * pingEveryMs > Math.max(pingDisconnectMs, 2 * pingEveryMs)) {
      this.#events.lost();
      return;
    }
    this.#unanswered += 1;
    const pingId = bigInt(randomBytes(6).toString("hex"), 16);
    const disconnectDelay = Math.max(1, Math.floor(pingDisconnectMs / 1000));
    this.#events.sendPing(new Api.PingDelayDisconnect({ pingId, disconnectDelay }))?.then(
      () => {
        this.#unanswered = 0;
      },
      () => {},
    );
  }
}
