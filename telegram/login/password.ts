/** What Telegram asks of whoever knows the two-step password (core.telegram.org/api/srp). Not secret. */
export interface PasswordParameters {
  readonly srpId: bigint;
  /** `srp_B`. */
  readonly srpB: Buffer;
  readonly salt1: Buffer;
  readonly salt2: Buffer;
  readonly g: number;
  readonly p: Buffer;
  /** What the account's owner noted to remember it by; null where nothing. */
  readonly hint: string | null;
}

/** Refusals of a password after which it is asked for again. */
export const ASK_AGAIN: readonly string[] = [
  "PASSWORD_HASH_INVALID",
  "PASSWORD_EMPTY",
  "SRP_ID_INVALID",
  "SRP_A_INVALID",
  "SRP_PASSWORD_CHANGED",
];

/** A proof that the password is known: made where it is typed, so that the password itself need go nowhere. Good once. */
export interface PasswordProof {
  readonly srpId: bigint;
  /** 256 bytes. */
  readonly A: Buffer;
  /** 32 bytes. */
  readonly M1: Buffer;
}
