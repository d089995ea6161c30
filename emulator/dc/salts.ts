import { createHash } from "node:crypto";

/** Telegram renews salts every half hour and takes the last one for half an hour more. */
const SLOT_SECONDS = 1800;

/** A server salt and when it is good, Unix seconds. */
export interface FutureSalt {
  readonly validSince: number;
  readonly validUntil: number;
  readonly salt: bigint;
}

/**
 * The server salts of auth keys. They follow from key and time alone, so that a data center which starts anew knows
 * those that it gave out before.
 */
export class Salts {
  /** The first salt of a new key is agreed in the handshake. */
  readonly #agreed = new Map<bigint, { readonly salt: bigint; readonly until: number }>();

  agree(keyId: bigint, salt: bigint, now: number): void {
    this.#agreed.set(keyId, { salt, until: now + SLOT_SECONDS * 1000 });
  }

  current(key: Buffer, now: number): bigint {
    return saltOf(key, slotOf(now));
  }

  accepts(key: Buffer, keyId: bigint, salt: bigint, now: number): boolean {
    const slot = slotOf(now);
    if (salt === saltOf(key, slot) || salt === saltOf(key, slot - 1)) return true;
    const agreed = this.#agreed.get(keyId);
    if (!agreed) return false;
    if (now < agreed.until) return salt === agreed.salt;
    this.#agreed.delete(keyId);
    return false;
  }

  /** Up to 64 salts, the current one first. */
  future(key: Buffer, count: number, now: number): FutureSalt[] {
    const slot = slotOf(now);
    return Array.from({ length: Math.max(0, Math.min(count, 64)) }, (_, ahead) => ({
      validSince: (slot + ahead) * SLOT_SECONDS,
      validUntil: (slot + ahead + 2) * SLOT_SECONDS,
      salt: saltOf(key, slot + ahead),
    }));
  }
}

function slotOf(now: number): number {
  return Math.floor(now / 1000 / SLOT_SECONDS);
}

function saltOf(key: Buffer, slot: number): bigint {
  return createHash("sha256").update(key).update(`salt ${slot}`).digest().readBigInt64LE(0);
}
