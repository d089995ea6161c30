import type { LeaseRef, Tx, WorkerTx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

export interface LeaseRow {
  readonly sessionId: bigint;
  readonly token: string;
  readonly beat: bigint;
  readonly holder: string;
}

/** Takes the lease by insert. False where somebody holds it. */
export async function insertLease(_tx: WorkerTx, _lease: LeaseRef & { holder: string }): Promise<boolean> {
  return unwritten();
}
/** Takes over a lease whose (token, beat) was watched standing still: only if it still is exactly that. Waits for fenced transactions (`FOR UPDATE`). */
export async function takeOverLease(
  _tx: WorkerTx,
  _from: LeaseRow,
  _to: { token: string; holder: string },
): Promise<boolean> {
  return unwritten();
}
/** Releases by delete, if it is still ours. */
export async function deleteLease(_tx: WorkerTx, _lease: LeaseRef): Promise<boolean> {
  return unwritten();
}
/** Every living lease: what takers watch. */
export async function listLeases(_tx: Tx): Promise<LeaseRow[]> {
  return unwritten();
}

/** The heartbeat's own connection to PostgreSQL, with short timeouts, so that a busy pool delays no beat. */
export interface Heartbeat {
  /** Raises `beat` of all of them in one statement, in id order; gives back those that are still ours. */
  beat(leases: readonly LeaseRef[]): Promise<readonly LeaseRef[]>;
  close(): Promise<void>;
}
export async function openHeartbeat(_options: { url: string; timeoutMs: number }): Promise<Heartbeat> {
  return unwritten();
}
