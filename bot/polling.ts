import { randomUUID } from "node:crypto";
import { type Api, GrammyError } from "grammy";
import type { Redis } from "ioredis";
import type { Log } from "../runtime/log.ts";
import { type Loop, startLoop } from "../runtime/loop.ts";
import { abortSignal } from "./abort-signal.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { KINDS } from "./kinds.ts";

/** A long poll is answered at the latest after this. */
const POLL_SECONDS = 5;
/** Longer than a poll: whoever has not come back by then is dead, and another process fetches. */
const TURN_MS = 10_000;
const REST_MS = 1_000;
const BATCH = 100;

/**
 * Fetches updates until stopped. Of all processes one does so at a time, since Telegram ends the earlier of two polls:
 * whose turn it is stands in Redis. Where Redis has forgotten that, two may fetch the same updates, which are taken once.
 */
export function startPolling(options: {
  readonly api: Api;
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly redis: Redis;
  readonly redisPrefix: string;
  readonly log: Log;
}): Loop {
  const { api, dispatcher, redis, log } = options;
  const key = `{${options.redisPrefix}}:bot-poller`;
  const self = randomUUID();
  let next = 0;

  async function isOurTurn(): Promise<boolean> {
    if ((await redis.set(key, self, "PX", TURN_MS, "NX")) === "OK") return true;
    if ((await redis.get(key)) !== self) return false;
    await redis.pexpire(key, TURN_MS);
    return true;
  }

  const loop = startLoop({
    name: "bot updates",
    everyMs: REST_MS,
    log,
    async turn(signal) {
      if (!(await isOurTurn())) return "rest";
      try {
        const asked = { offset: next, limit: BATCH, timeout: POLL_SECONDS, allowed_updates: KINDS };
        const updates = await api.getUpdates(asked, abortSignal(signal));
        for (const update of updates) {
          await dispatcher.dispatch(update);
          next = update.update_id + 1;
        }
        return "again";
      } catch (error) {
        if (error instanceof GrammyError && error.error_code === 409) {
          log.warn("another process fetches this bot's updates, or a webhook is set");
          return "rest";
        }
        throw error;
      }
    },
  });
  return {
    async stop() {
      await loop.stop();
      // The next process need not wait for the turn to run out.
      if ((await redis.get(key).catch(() => null)) === self) await redis.del(key);
    },
  };
}
