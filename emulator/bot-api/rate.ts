import type { Clock } from "../../runtime/clock.ts";
import { BotApiError } from "./bot-api-error.ts";

/** How much a bot may send (core.telegram.org/bots/faq#broadcasting-to-users). */
export interface SendingRate {
  /** In one chat: so many at once, and then one in so many seconds. */
  readonly chat: { readonly burst: number; readonly secondsEach: number };
  /** To everybody. */
  readonly all: { readonly burst: number; readonly secondsEach: number };
}

export const TELEGRAM_SENDING_RATE: SendingRate = {
  chat: { burst: 10, secondsEach: 1 },
  all: { burst: 30, secondsEach: 1 / 30 },
};

/** Counts what a bot sends. The returned function is to be called before each message. @throws BotApiError 429 */
export function createRate(rate: SendingRate, clock: Clock): (personId: bigint) => void {
  /** When each has been paid for, in monotonic milliseconds. */
  const paidUntil = new Map<bigint | "all", number>();
  const left = (who: bigint | "all", { burst, secondsEach }: SendingRate["all"]): number => {
    const now = clock.monotonic();
    const from = Math.max(paidUntil.get(who) ?? 0, now);
    return from + secondsEach * 1_000 - now - burst * secondsEach * 1_000;
  };
  const pay = (who: bigint | "all", { secondsEach }: SendingRate["all"]): void =>
    void paidUntil.set(who, Math.max(paidUntil.get(who) ?? 0, clock.monotonic()) + secondsEach * 1_000);

  return (personId) => {
    const waitMs = Math.max(left(personId, rate.chat), left("all", rate.all));
    if (waitMs > 0) {
      const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
      throw new BotApiError(429, `Too Many Requests: retry after ${seconds}`, seconds);
    }
    pay(personId, rate.chat);
    pay("all", rate.all);
  };
}
