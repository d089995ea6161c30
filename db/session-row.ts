import type { Selectable } from "kysely";
import type { Schema, SessionHold, SessionState } from "./schema.ts";

/** Whose a session is that nobody has logged in with yet: its telegram_id, and its user's id. */
export const NOBODY = 0n;

/** A session's row without its secret. */
export interface SessionInfo {
  readonly id: bigint;
  readonly tenantId: string;
  /** 0, as `telegramId` is, while a login is under way by somebody who is not known yet. */
  readonly userId: bigint;
  readonly appId: string;
  readonly telegramId: bigint;
  readonly apiId: number;
  readonly ownApi: boolean;
  readonly state: SessionState;
  readonly reason: string | null;
  readonly holds: readonly SessionHold[];
  readonly stateChangedAt: Date;
  readonly savedAt: Date | null;
  /** When a job last had a use for it, or its person came: to the day. */
  readonly usedAt: Date;
}

/** A session string as the vault seals it. */
export interface SealedSession {
  readonly ciphertext: Buffer;
  readonly wrappedKey: Buffer;
  readonly keyId: string;
  /** sha256 of the clear session, and its length in bytes. */
  readonly fingerprint: Buffer;
  readonly fingerprintSize: number;
}

/** The columns of {@link SessionInfo}. */
export const INFO = [
  "id",
  "tenant_id",
  "user_id",
  "app_id",
  "telegram_id",
  "api_id",
  "own_api",
  "state",
  "reason",
  "holds",
  "state_changed_at",
  "saved_at",
  "used_at",
] as const;

/** The columns of {@link SealedSession}. */
export const SEALED = ["ciphertext", "wrapped_key", "key_id", "fingerprint", "fingerprint_size"] as const;

export function toInfo(row: Pick<Selectable<Schema["sessions"]>, (typeof INFO)[number]>): SessionInfo {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id ?? NOBODY,
    appId: row.app_id,
    telegramId: row.telegram_id,
    apiId: row.api_id,
    ownApi: row.own_api,
    state: row.state,
    reason: row.reason,
    holds: row.holds,
    stateChangedAt: row.state_changed_at,
    savedAt: row.saved_at,
    usedAt: row.used_at,
  };
}

/** Null where no secret is stored. */
export function toSealed(row: Pick<Selectable<Schema["sessions"]>, (typeof SEALED)[number]>): SealedSession | null {
  if (!row.ciphertext || !row.wrapped_key || row.key_id === null || !row.fingerprint || row.fingerprint_size === null)
    return null;
  return {
    ciphertext: row.ciphertext,
    wrappedKey: row.wrapped_key,
    keyId: row.key_id,
    fingerprint: row.fingerprint,
    fingerprintSize: row.fingerprint_size,
  };
}

/** How the secret is wiped: every column that holds it or tells of it. */
export const NO_KEY = {
  ciphertext: null,
  wrapped_key: null,
  key_id: null,
  fingerprint: null,
  fingerprint_size: null,
  saved_at: null,
} as const;
