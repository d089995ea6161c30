import { sql } from "kysely";
import type { Log } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Database } from "./database.ts";
import { encodeHint, HINTS } from "./post-hint.ts";

/** Tells readers which channels have changed. Only a hint: whoever misses one finds the change by looking. */
export interface PostNotifier {
  /** The channel has this revision now. To be called once it is committed; takes no time and never throws. */
  readonly changed: (channelId: bigint, revision: bigint) => void;
  /** Tells what is still to be told, and ends. */
  close(): Promise<void>;
}

/**
 * Collects changes and tells them in one NOTIFY, at most one each `everyMs`. It has a transaction of its own: NOTIFY
 * holds a lock of the whole server until its commit, which pages that are being stored must not wait for.
 *
 * A hint that PostgreSQL does not take is dropped, and said in the log.
 */
export function createPostNotifier(options: {
  readonly database: Pick<Database, "asWorker">;
  readonly everyMs: number;
  readonly log: Pick<Log, "warn">;
}): PostNotifier {
  const closing = new AbortController();
  let collected = new Map<bigint, bigint>();
  let telling: Promise<void> | null = null;

  const tell = async (): Promise<void> => {
    while (collected.size > 0) {
      await sleep(options.everyMs, closing.signal);
      const payload = encodeHint(collected);
      collected = new Map();
      try {
        await options.database.asWorker((tx) => sql`select pg_notify(${HINTS}, ${payload})`.execute(tx));
      } catch (error) {
        options.log.warn({ err: error }, "hint to readers lost");
      }
    }
    telling = null;
  };

  return {
    changed(channelId, revision) {
      if (closing.signal.aborted) return;
      const known = collected.get(channelId);
      if (known === undefined || known < revision) collected.set(channelId, revision);
      telling ??= tell();
    },
    async close() {
      closing.abort();
      await telling;
    },
  };
}
