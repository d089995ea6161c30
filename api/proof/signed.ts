import { timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What somebody presented proves nothing. `why` is for the log and never says what was presented. */
export class ProofRefused extends Error {
  override name = "ProofRefused";
}

/** The Telegram account that Telegram vouches for. */
export interface TelegramProof {
  readonly telegramId: bigint;
}

/** How old what Telegram signed may be. Whoever reads it over somebody's shoulder later comes too late. */
export const MAX_AGE_MS = 5 * 60_000;
/** Telegram's clock may be that far ahead of ours. */
const MAX_AHEAD_MS = 30_000;

export const telegramIdSchema = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** Compares in constant time; what differs in length differs. */
export const isSame = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

/** @throws ProofRefused where `authDate` (seconds since the epoch) is not within the last five minutes */
export function assertFresh(authDate: string | undefined, now: number): void {
  if (authDate === undefined || !/^\d{1,12}$/.test(authDate)) throw new ProofRefused("auth_date is missing");
  const age = now - Number(authDate) * 1_000;
  if (age > MAX_AGE_MS) throw new ProofRefused("it is more than five minutes old");
  if (age < -MAX_AHEAD_MS) throw new ProofRefused("it is from the future");
}

/** Hexadecimal digits of exactly `bytes` bytes. @throws ProofRefused where it is anything else */
export function fromHex(text: string | undefined, bytes: number): Buffer {
  if (text === undefined || text.length !== bytes * 2 || !/^[0-9a-f]*$/i.test(text))
    throw new ProofRefused("the signature is malformed");
  return Buffer.from(text, "hex");
}

/** All pairs but those left out, in the order of their names, a line each: what Telegram signs. */
export function checkString(pairs: ReadonlyMap<string, string>, leftOut: readonly string[]): string {
  return [...pairs]
    .filter(([name]) => !leftOut.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join("\n");
}
