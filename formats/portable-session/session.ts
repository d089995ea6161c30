import { createHash } from "node:crypto";

/** What a Telegram session says, whichever program wrote it. Where a format has no such field: null. */
export interface PortableSession {
  readonly format: SessionFormat;
  /** 1 to 5. */
  readonly dcId: number;
  /** An IP address or a host's name, as it was written. */
  readonly address: string | null;
  readonly port: number | null;
  /** 256 bytes: the key to the account. */
  readonly authKey: Buffer;
  readonly apiId: number | null;
  readonly userId: bigint | null;
  /** Whether it belongs to Telegram's test data centers. */
  readonly isTest: boolean | null;
  readonly isBot: boolean | null;
}

export type SessionFormat =
  | "telethon-string"
  | "telethon-sqlite"
  | "gramjs-string"
  | "pyrogram-string"
  | "pyrogram-sqlite";

export type RefusalReason =
  | "empty"
  | "unknown_format"
  | "malformed"
  | "no_session"
  | "several_sessions"
  | "bad_data_center"
  | "bad_key"
  | "bad_address"
  | "link_local"
  | "too_large"
  | "unreadable"
  | "in_use";

/** What was given is no session that could be used; the message is one line, and has nothing of its content. */
export class SessionRefused extends Error {
  override name = "SessionRefused";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export const KEY_BYTES = 256;
/** Telegram's data centers that accounts live in. */
const LAST_DC = 5;

/** @throws SessionRefused where it is none that an account lives in */
export function checkDataCenter(dcId: unknown): number {
  if (typeof dcId === "number" && Number.isInteger(dcId) && dcId >= 1 && dcId <= LAST_DC) return dcId;
  throw new SessionRefused("bad_data_center", `its data center is none of 1 to ${LAST_DC}`);
}

/** @throws SessionRefused where it is not 256 bytes, or nothing but zeros: a session that was never logged in */
export function checkKey(key: unknown): Buffer {
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES)
    throw new SessionRefused("bad_key", `its key has not ${KEY_BYTES} bytes: it was never logged in, or is cut off`);
  if (key.every((byte) => byte === 0))
    throw new SessionRefused("bad_key", "its key is all zeros: it was never logged in");
  return Buffer.from(key);
}

/** What may be shown of a key: the SHA-256 of its bytes, in hex. */
export const fingerprintOf = (session: PortableSession): string =>
  createHash("sha256").update(session.authKey).digest("hex");
