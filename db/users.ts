import type { TenantTx, Tx, WorkerTx } from "./database.ts";
import { unwritten } from "./unwritten.ts";

export interface User {
  readonly id: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly plan: "free" | "premium";
  readonly paidUntil: Date | null;
  readonly trialExpiresAt: Date | null;
  readonly paused: boolean;
  readonly createdAt: Date;
}

/** One line of `users list`. */
export interface UserSummary extends User {
  readonly sessionState: string | null;
  readonly subscriptions: number;
  readonly nextParseAt: Date | null;
  readonly lastRunAt: Date | null;
  readonly lastOutcome: string | null;
}

/** Adds a user, or gives back the one that is there. */
export async function addUser(
  _tx: TenantTx,
  _user: {
    tenantId: string;
    telegramId: bigint;
    plan?: "free" | "premium";
    paidUntil?: Date | null;
    trialExpiresAt?: Date | null;
  },
): Promise<{ user: User; added: boolean }> {
  return unwritten();
}
export async function findUser(_tx: TenantTx, _telegramId: bigint): Promise<User | null> {
  return unwritten();
}
export async function loadUser(_tx: WorkerTx, _userId: bigint): Promise<User | null> {
  return unwritten();
}
export async function listUsers(_tx: TenantTx, _filter?: { plan?: string; limit?: number }): Promise<UserSummary[]> {
  return unwritten();
}
/** Sets plan and its end. Gives false where there is no such user. */
export async function setPlan(
  _tx: TenantTx,
  _telegramId: bigint,
  _plan: { plan: "free" | "premium"; paidUntil: Date | null; trialExpiresAt?: Date | null },
): Promise<boolean> {
  return unwritten();
}
/** Pauses or resumes; a paused user's schedule has no queue. */
export async function setPaused(_tx: TenantTx, _telegramId: bigint, _paused: boolean): Promise<boolean> {
  return unwritten();
}
/** Deletes a user with everything of theirs; shared channels and messages stay. */
export async function deleteUser(_tx: TenantTx, _telegramId: bigint): Promise<boolean> {
  return unwritten();
}
export async function countUsers(_tx: Tx): Promise<number> {
  return unwritten();
}
