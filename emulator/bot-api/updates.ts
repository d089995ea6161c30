import { conflict } from "./bot-api-error.ts";

/** What happened in a chat, as the bot is told. */
export type UpdateContent = { readonly message: object } | { readonly callback_query: object };
export type Update = UpdateContent & { readonly update_id: number };

/** What a bot has not been told yet, in order: kept until the bot says that it has arrived. */
export interface UpdateQueue {
  push(content: UpdateContent): void;
  /**
   * `getUpdates`: forgets what is below `offset`, and waits until there is something, `waitMs` at most.
   * @throws BotApiError 409 where another one asks meanwhile: the later one is answered
   */
  fetch(asked: { offset: number | null; limit: number; waitMs: number; signal: AbortSignal }): Promise<Update[]>;
  /** For a webhook: the oldest one; `confirm` forgets it. */
  first(): Update | undefined;
  confirm(updateId: number): void;
  clear(): void;
  readonly size: number;
  /** Calls `listener` when there is something new. The returned function ends that. */
  onPush(listener: () => void): () => void;
}

const TERMINATED = "terminated by other getUpdates request; make sure that only one bot instance is running";

export function createUpdateQueue(firstId = 1): UpdateQueue {
  const waiting: Update[] = [];
  const listeners = new Set<() => void>();
  let nextId = firstId;
  let endOther: (() => void) | null = null;

  const forgetBelow = (offset: number) => {
    while (waiting[0] && waiting[0].update_id < offset) waiting.shift();
  };
  const onPush = (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  return {
    push(content) {
      waiting.push({ update_id: nextId, ...content });
      nextId += 1;
      for (const listener of [...listeners]) listener();
    },
    async fetch({ offset, limit, waitMs, signal }) {
      endOther?.();
      if (offset !== null && offset >= 0) forgetBelow(offset);
      // A negative offset counts from the end, and forgets all before (core.telegram.org/bots/api#getupdates).
      if (offset !== null && offset < 0) waiting.splice(0, Math.max(0, waiting.length + offset));
      if (waiting.length === 0 && waitMs > 0) {
        await new Promise<void>((resolve, reject) => {
          const settle = (finish: () => void) => () => {
            clearTimeout(timer);
            off();
            signal.removeEventListener("abort", done);
            endOther = null;
            finish();
          };
          const done = settle(resolve);
          endOther = settle(() => reject(conflict(TERMINATED)));
          const timer = setTimeout(done, waitMs);
          const off = onPush(done);
          signal.addEventListener("abort", done);
        });
      }
      return signal.aborted ? [] : waiting.slice(0, limit);
    },
    first: () => waiting[0],
    confirm: (updateId) => forgetBelow(updateId + 1),
    clear: () => void waiting.splice(0),
    get size() {
      return waiting.length;
    },
    onPush,
  };
}
