/** What a session may be. Rows hold it, and metrics have it as a label. */
export const SESSION_STATES = [
  "ABSENT",
  "PENDING_QR",
  "PENDING_CODE",
  "PENDING_PASSWORD",
  "AUTHORIZED",
  "STALE",
  "REVOKED",
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** What keeps an AUTHORIZED session from being used. */
export const SESSION_HOLDS = ["owner_mismatch", "frozen", "api_id_out", "parked", "revoking"] as const;
export type SessionHold = (typeof SESSION_HOLDS)[number];
