import { describe, expect, it } from "vitest";
import { SESSION_STATES, type SessionState } from "../../db/schema.ts";
import { mayFollow } from "../../db/session-states.ts";

const ALLOWED = new Set([
  "ABSENT PENDING_QR",
  "ABSENT PENDING_CODE",
  "ABSENT AUTHORIZED",
  "PENDING_QR PENDING_PASSWORD",
  "PENDING_QR AUTHORIZED",
  "PENDING_QR ABSENT",
  "PENDING_CODE PENDING_PASSWORD",
  "PENDING_CODE AUTHORIZED",
  "PENDING_CODE ABSENT",
  "PENDING_PASSWORD AUTHORIZED",
  "PENDING_PASSWORD ABSENT",
  "AUTHORIZED STALE",
  "AUTHORIZED REVOKED",
  "STALE AUTHORIZED",
  "STALE PENDING_QR",
  "STALE PENDING_CODE",
  "STALE REVOKED",
  "REVOKED PENDING_QR",
  "REVOKED PENDING_CODE",
  "REVOKED AUTHORIZED",
]);

const pairs = SESSION_STATES.flatMap((from) => SESSION_STATES.map((to): [SessionState, SessionState] => [from, to]));

describe("session states", () => {
  it.each(pairs)("%s → %s", (from, to) => {
    expect(mayFollow(from, to)).toBe(ALLOWED.has(`${from} ${to}`));
  });
});
