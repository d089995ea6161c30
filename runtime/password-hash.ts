import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** What is kept of a password: scrypt (RFC 7914), with what it was made with. */
export interface PasswordHash {
  /** The base-2 logarithm of N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

type Cost = Pick<PasswordHash, "logN" | "r" | "p">;

/** OWASP's advice for 32 MiB: about a quarter of a second. */
const COST = { logN: 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

const derive = promisify(
  (password: string, { logN, r, p, salt, key }: PasswordHash, done: (error: Error | null, key: Buffer) => void) => {
    const N = 2 ** logN;
    // The same letters however a keyboard composes them, and without what was pasted along.
    scrypt(
      password.normalize("NFKC").trim(),
      salt,
      key.length,
      { N, r, p, maxmem: 128 * N * r + 128 * r * p + 65_536 },
      done,
    );
  },
);

/** Nobody's: what is compared where there is nothing to compare with, so that it takes as long. */
export const nobodysHash = (like: Cost = COST): PasswordHash => ({
  ...{ logN: like.logN, r: like.r, p: like.p },
  salt: randomBytes(SALT_BYTES),
  key: randomBytes(KEY_BYTES),
});

/** @returns `scrypt.<log2 N>.<r>.<p>.<salt>.<key>`, the last two in base64url: nothing in it that a shell or a list takes for its own */
export async function hashPassword(password: string, cost?: Cost): Promise<string> {
  const made = nobodysHash(cost);
  const key = await derive(password, made);
  return ["scrypt", made.logN, made.r, made.p, made.salt.toString("base64url"), key.toString("base64url")].join(".");
}

/** Whether this is the password; takes as long either way. */
export async function isPassword(password: string, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, hash), hash.key);
}
