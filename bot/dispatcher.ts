import type { Update } from "grammy/types";
import pLimit from "p-limit";
import type { Log } from "../runtime/log.ts";

/** Hands updates to the bot: each once, those of a chat one after the other, several chats at once. */
export interface Dispatcher {
  /** Comes back when the update is taken, and need not be given again. @throws where that could not be written */
  dispatch(update: Update): Promise<void>;
  /** Waits for what is being handled. */
  idle(): Promise<void>;
}

const AT_ONCE = 32;

/**
 * @param options.take true for the first who asks for this update, in any process
 * @param options.handle throws nothing that anybody could do something about
 */
export function createDispatcher(options: {
  readonly take: (updateId: number) => Promise<boolean>;
  readonly handle: (update: Update) => Promise<void>;
  readonly log: Log;
}): Dispatcher {
  const limit = pLimit(AT_ONCE);
  /** The end of what was given last, by chat. */
  const lines = new Map<number, Promise<void>>();
  return {
    async dispatch(update) {
      if (!(await options.take(update.update_id))) return;
      const chat = update.message?.chat.id ?? update.callback_query?.from.id ?? 0;
      const before = lines.get(chat) ?? Promise.resolve();
      const line = before
        .then(() => limit(() => options.handle(update)))
        .catch((error: unknown) => options.log.error({ err: error, update_id: update.update_id }, "update not handled"))
        .finally(() => lines.get(chat) === line && lines.delete(chat));
      lines.set(chat, line);
    },
    async idle() {
      while (lines.size > 0) await Promise.all(lines.values());
    },
  };
}
