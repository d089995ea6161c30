// First, and whole: see wrappers.ts.
import "telegram";
import type { AuthKey } from "telegram/crypto/AuthKey.js";
import { StringSession } from "telegram/sessions/StringSession.js";
import { AuthLost } from "../errors.ts";

const KEY_BYTES = 256;

export interface StoredSession {
  readonly dcId: number;
  /** As stored; GramJS keeps an address where we go by the data center's id. */
  readonly host: string;
  readonly port: number;
  readonly authKey: AuthKey;
}

/**
 * Reads a StringSession (GramJS's or Telethon's).
 *
 * @throws AuthLost where it is none: its key is gone, and only a new login helps
 */
export async function readSession(text: string): Promise<StoredSession> {
  let session: StringSession;
  try {
    session = new StringSession(text);
    await session.load();
  } catch {
    throw malformed();
  }
  const authKey = session.authKey;
  if (!authKey || authKey.getKey()?.length !== KEY_BYTES || session.dcId < 1) throw malformed();
  return { dcId: session.dcId, host: session.serverAddress, port: session.port, authKey };
}

/** Writes a StringSession. The port is stored as a signed 16-bit number, so it is 443 whatever the real one is. */
export function writeSession(dcId: number, host: string, authKey: AuthKey): string {
  const session = new StringSession("");
  session.setDC(dcId, host, 443);
  session.setAuthKey(authKey, dcId);
  return session.save();
}

function malformed(): AuthLost {
  return new AuthLost("SESSION_STRING_INVALID", "connect");
}
