import type { Log } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { UpdateQueue } from "./updates.ts";

export interface WebhookTarget {
  readonly url: string;
  /** Sent along as X-Telegram-Bot-Api-Secret-Token. */
  readonly secret: string | null;
}

export interface Webhook {
  readonly target: WebhookTarget | null;
  /** Null: updates wait to be fetched. */
  set(target: WebhookTarget | null): void;
  /** What the last delivery that failed was answered; null where none failed. */
  readonly lastError: string | null;
  close(): Promise<void>;
}

const ANSWER_WITHIN_MS = 10_000;
const RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;

/** Brings a bot's updates to its webhook one after the other, again and again until one is taken with a 2xx. */
export function createWebhook(queue: UpdateQueue, log: Log): Webhook {
  let target: WebhookTarget | null = null;
  let lastError: string | null = null;
  let running: { readonly end: AbortController; readonly over: Promise<void> } | null = null;

  const deliver = async (to: WebhookTarget, signal: AbortSignal): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const update = queue.first();
      if (!update) {
        const woken = new AbortController();
        const off = queue.onPush(() => woken.abort());
        await sleep(60_000, AbortSignal.any([signal, woken.signal]));
        off();
        continue;
      }
      const failed = await post(to, update, signal);
      if (failed === null) {
        failures = 0;
        queue.confirm(update.update_id);
        continue;
      }
      if (signal.aborted) return;
      lastError = failed;
      await sleep(Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS), signal);
      failures += 1;
    }
  };

  /** Null where it was taken, else why not. */
  const post = async (to: WebhookTarget, update: object, signal: AbortSignal): Promise<string | null> => {
    try {
      const answer = await fetch(to.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(to.secret === null ? {} : { "x-telegram-bot-api-secret-token": to.secret }),
        },
        body: JSON.stringify(update),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      const body = await answer.text();
      if (body.includes('"method"')) log.error("not implemented: a method in the answer to a webhook");
      return answer.ok ? null : `Wrong response from the webhook: ${answer.status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  const stop = (): Promise<void> => {
    running?.end.abort();
    const over = running?.over ?? Promise.resolve();
    running = null;
    return over;
  };

  return {
    get target() {
      return target;
    },
    get lastError() {
      return lastError;
    },
    set(given) {
      void stop();
      target = given;
      lastError = null;
      if (given === null) return;
      const end = new AbortController();
      running = { end, over: deliver(given, end.signal) };
    },
    close: stop,
  };
}
