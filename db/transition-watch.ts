import type { Tx } from "./database.ts";
import type { SessionState } from "./schema.ts";

/** One transition of a session, as it was committed. */
export interface SessionTransition {
  readonly sessionId: bigint;
  readonly from: SessionState;
  readonly to: SessionState;
}

const noted = new WeakMap<Tx, SessionTransition[]>();

/** Remembers a transition until its transaction commits; what is rolled back is never told. */
export function noteTransition(tx: Tx, transition: SessionTransition): void {
  const before = noted.get(tx);
  if (before) before.push(transition);
  else noted.set(tx, [transition]);
}

export function transitionsOf(tx: Tx): readonly SessionTransition[] {
  return noted.get(tx) ?? [];
}
