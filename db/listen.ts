import pg from "pg";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { sleep } from "../runtime/sleep.ts";
import { decodeHint, HINTS, type PostHint } from "./post-hint.ts";

export interface PostListener {
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_RETRY_MS = 30_000;
const GOODBYE_MS = 1_000;

/**
 * Calls `onHint` for every hint of `db/notify`, and with null (look at all) each time it begins to listen, since hints
 * that came before are lost. It connects by itself, and again whenever the connection breaks, for as long as it is open.
 *
 * Its readers look from time to time in any case: a connection that died in silence, or one through PgBouncer's
 * transaction pooling, which takes LISTEN and then delivers nothing, cannot be told from a quiet one.
 *
 * @param options.url PostgreSQL itself, past any pooler
 * @param options.retryMs after a failure; doubled with each further one, up to 30 s
 */
export function listenForPosts(options: {
  readonly url: string;
  readonly onHint: (hint: PostHint | null) => void;
  readonly retryMs: number;
  readonly log: Pick<Log, "info">;
}): PostListener {
  const { url, retryMs, log, onHint } = options;
  return listen({ url, retryMs, log, channel: HINTS, onPayload: (payload) => onHint(decodeHint(payload ?? "")) });
}

/** The same for any channel of NOTIFY, with payloads as they come; null each time it begins to listen. */
export function listen(options: {
  readonly url: string;
  readonly channel: string;
  readonly onPayload: (payload: string | null) => void;
  readonly retryMs: number;
  readonly log: Pick<Log, "info">;
}): PostListener {
  const closing = new AbortController();

  const keepListening = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        await session(options, closing.signal, () => {
          failures = 0;
        });
      } catch (error) {
        if (closing.signal.aborted) return;
        options.log.info({ err: error }, "not listening for hints");
        await sleep(Math.min(options.retryMs * 2 ** failures, MAX_RETRY_MS), closing.signal);
        failures += 1;
      }
    }
  };
  const listening = keepListening();
  return {
    async close() {
      closing.abort();
      await listening;
    },
  };
}

/** One connection, until `signal` ends it. @throws where it cannot be made, or breaks */
async function session(
  options: Pick<Parameters<typeof listen>[0], "url" | "channel" | "onPayload">,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const client = new pg.Client({
    connectionString: options.url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    application_name: "gramfleet-listen",
    keepAlive: true,
  });
  let leave = (): void => undefined;
  const over = new Promise<void>((resolve, reject) => {
    leave = resolve;
    client.once("error", reject);
    client.once("end", () => reject(new Error("the connection was closed")));
  });
  // It may break before anybody waits for it, and say so more than once.
  over.catch(() => undefined);
  client.on("error", () => undefined);
  client.on("notification", ({ payload }) => options.onPayload(payload ?? ""));
  signal.addEventListener("abort", leave);
  try {
    await Promise.race([over, client.connect().then(() => client.query(`listen ${options.channel}`))]);
    if (signal.aborted) return;
    onListening();
    options.onPayload(null);
    await over;
  } finally {
    signal.removeEventListener("abort", leave);
    // A server that is gone does not say goodbye.
    await withDeadline("the goodbye", GOODBYE_MS, client.end()).catch(() => undefined);
  }
}
