import { sql } from "kysely";
import type { Log } from "../runtime/log.ts";
import type { Tx } from "./database.ts";
import { listen, type PostListener } from "./listen.ts";
import { SESSION_STATES, type SessionState } from "./schema.ts";
import type { SessionTransition } from "./transition-watch.ts";

const CHANNEL = "gramfleet_sessions";
const PAYLOAD = /^(\d{1,19}) ([A-Z_]+) ([A-Z_]+)$/;

/**
 * Tells whoever listens, once the transaction commits. Logins are rare enough for the lock of the whole server that a
 * NOTIFY holds until then.
 */
export async function notifyTransition(tx: Tx, { sessionId, from, to }: SessionTransition): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${`${sessionId} ${from} ${to}`})`.execute(tx);
}

/**
 * Calls `onTransition` for every transition that any process commits, and with null (look at all) each time it begins to
 * listen. A hint, as `db/listen` says: whoever waits for a state looks at the row, too, from time to time.
 */
export function listenForTransitions(options: {
  readonly url: string;
  readonly onTransition: (transition: SessionTransition | null) => void;
  readonly retryMs: number;
  readonly log: Pick<Log, "info">;
}): PostListener {
  const { url, retryMs, log, onTransition } = options;
  return listen({ url, retryMs, log, channel: CHANNEL, onPayload: (payload) => onTransition(decode(payload)) });
}

/** Null: look at all. Also for what is not ours. */
function decode(payload: string | null): SessionTransition | null {
  const [, sessionId, from, to] = PAYLOAD.exec(payload ?? "") ?? [];
  if (sessionId === undefined || !isState(from) || !isState(to)) return null;
  return { sessionId: BigInt(sessionId), from, to };
}

function isState(text: string | undefined): text is SessionState {
  return (SESSION_STATES as readonly (string | undefined)[]).includes(text);
}
