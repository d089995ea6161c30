import type { SessionState } from "./schema.ts";

/**
 * Which state may follow which.
 *
 * Straight to AUTHORIZED goes a session that was authorised elsewhere (imported, planted); PENDING_* → ABSENT is a login
 * that expired or was refused; STALE → AUTHORIZED a validation that passes again.
 */
export const TRANSITIONS: Readonly<Record<SessionState, readonly SessionState[]>> = {
  ABSENT: ["PENDING_QR", "PENDING_CODE", "AUTHORIZED"],
  PENDING_QR: ["PENDING_PASSWORD", "AUTHORIZED", "ABSENT"],
  PENDING_CODE: ["PENDING_PASSWORD", "AUTHORIZED", "ABSENT"],
  PENDING_PASSWORD: ["AUTHORIZED", "ABSENT"],
  AUTHORIZED: ["STALE", "REVOKED"],
  STALE: ["AUTHORIZED", "PENDING_QR", "PENDING_CODE", "REVOKED"],
  REVOKED: ["PENDING_QR", "PENDING_CODE", "AUTHORIZED"],
};

/** States in which no key is kept, but an import's that is under way (`db/imports`). */
export const KEYLESS: readonly SessionState[] = ["ABSENT", "REVOKED"];

export function mayFollow(from: SessionState, to: SessionState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** A transition that the table does not know: a mistake in the code that asked for it. */
export class IllegalTransition extends Error {
  override name = "IllegalTransition";

  constructor(from: SessionState, to: SessionState) {
    super(`a session never goes from ${from} to ${to}`);
  }
}
