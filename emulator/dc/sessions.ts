import type { AuthKeyRecord } from "./service.ts";
import { MtprotoSession } from "./session.ts";

/** GramJS takes a new session at every reconnect and never destroys the old one: so many are kept for a key. */
const KEPT_DETACHED = 4;

/** What a session needs of the connection that it is on. */
export interface SessionCarrier {
  /** Sends what is in the outbox, after what goes on now. */
  scheduleFlush(): void;
}

/** A session with its key, and the connection on which its client last spoke. */
export interface OpenSession<Carrier extends SessionCarrier = SessionCarrier> {
  readonly key: AuthKeyRecord;
  readonly session: MtprotoSession;
  carrier: Carrier | null;
}

/** The MTProto sessions of one data center. They outlive connections, so that a client may come back with its own. */
export class Sessions<Carrier extends SessionCarrier> {
  readonly #byKey = new Map<bigint, Map<bigint, OpenSession<Carrier>>>();

  /** The session of a frame that came over `carrier`, made where it is new. */
  attach(key: AuthKeyRecord, sessionId: bigint, carrier: Carrier): OpenSession<Carrier> {
    let sessions = this.#byKey.get(key.keyId);
    if (!sessions) {
      sessions = new Map();
      this.#byKey.set(key.keyId, sessions);
    }
    let open = sessions.get(sessionId);
    if (!open) {
      open = { key, session: new MtprotoSession(sessionId), carrier };
      sessions.set(sessionId, open);
      dropOldDetached(sessions);
    }
    open.carrier = carrier;
    return open;
  }

  /** The sessions of a closed connection wait for their client's return. */
  detach(keyId: bigint, carrier: Carrier): void {
    for (const open of this.#byKey.get(keyId)?.values() ?? []) if (open.carrier === carrier) open.carrier = null;
  }

  destroy(keyId: bigint, sessionId: bigint): boolean {
    return this.#byKey.get(keyId)?.delete(sessionId) ?? false;
  }

  /** The sessions of a key that have a connection now. */
  *connected(keyId: bigint): Generator<OpenSession<Carrier> & { carrier: Carrier }> {
    for (const open of this.#byKey.get(keyId)?.values() ?? []) {
      if (open.carrier) yield open as OpenSession<Carrier> & { carrier: Carrier };
    }
  }
}

function dropOldDetached(sessions: Map<bigint, OpenSession>): void {
  let detached = [...sessions.values()].filter((open) => open.carrier === null).length;
  for (const [sessionId, open] of sessions) {
    if (detached <= KEPT_DETACHED) return;
    if (open.carrier !== null) continue;
    sessions.delete(sessionId);
    detached -= 1;
  }
}
