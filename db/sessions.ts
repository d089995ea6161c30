import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import type { SessionHold, SessionState } from "./schema.ts";
import { unwritten } from "./unwritten.ts";

/** A session's row without its secret. */
export interface SessionInfo {
  readonly id: bigint;
  readonly tenantId: string;
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

/** A session that is already AUTHORIZED where it comes from (planted, imported). */
export interface NewSession {
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly appId?: string;
  readonly apiId: number;
  readonly ownApi: boolean;
}

/** Makes the row in state ABSENT or finds it; (tenant, app) is its key. Its api_id never changes once sealed. */
export async function ensureSession(_tx: Tx, _session: NewSession): Promise<SessionInfo> {
  return unwritten();
}
export async function loadSession(_tx: Tx, _sessionId: bigint): Promise<SessionInfo | null> {
  return unwritten();
}
/** The session that a user's parses use: AUTHORIZED first, else the newest. */
export async function sessionOfUser(_tx: Tx, _userId: bigint): Promise<SessionInfo | null> {
  return unwritten();
}
export async function listSessions(_tx: TenantTx): Promise<SessionInfo[]> {
  return unwritten();
}
/** Reads the sealed secret; null where there is none. */
export async function loadSealed(_tx: WorkerTx, _sessionId: bigint): Promise<SealedSession | null> {
  return unwritten();
}
/** Stores the sealed secret. `expected` (a fingerprint) makes it a compare-and-set: false where another key is stored. */
export async function saveSealed(
  _tx: WorkerTx,
  _sessionId: bigint,
  _sealed: SealedSession,
  _expected?: Buffer,
): Promise<boolean> {
  return unwritten();
}
/**
 * One transition of the state machine, with its event row; into REVOKED and ABSENT the ciphertext goes too. Sets or
 * clears the schedule's queue with it. Gives false where the row is not in one of `from` (or, with `ifFingerprint`,
 * holds another key): nothing is changed then.
 */
export async function transition(
  _tx: Tx,
  _sessionId: bigint,
  _change: { from: readonly SessionState[]; to: SessionState; reason?: string; ifFingerprint?: Buffer },
): Promise<boolean> {
  return unwritten();
}
/** Puts or lifts a hold; a held session's schedule has no queue. */
export async function setHold(_tx: Tx, _sessionId: bigint, _hold: SessionHold, _held: boolean): Promise<void> {
  return unwritten();
}
export async function sessionEvents(
  _tx: Tx,
  _sessionId: bigint,
): Promise<{ fromState: SessionState; toState: SessionState; reason: string | null; at: Date }[]> {
  return unwritten();
}
/** Usable sessions by api_id, for sharding and the live view. */
export async function countByApiId(_tx: Tx): Promise<Map<number, number>> {
  return unwritten();
}
