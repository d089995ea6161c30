import type { World, WorldUser } from "../world/model.ts";

/** Telegram's test phones, 99966XYYYY (or longer here, for large worlds): X is the DC, and X five times the code (core.telegram.org/api/auth#test-accounts). */
const TEST_PHONE = /^99966([1-9])\d{4,}$/;

/** A phone that can be logged in with. */
export interface KnownPhone {
  readonly phone: string;
  readonly dcId: number;
  readonly code: string;
  /** Undefined for a test phone that nobody signed up with. */
  readonly user: WorldUser | undefined;
}

/** The phone as digits. */
export function phoneDigits(phone: string): string {
  return phone.replace(/[^\d]/g, "");
}

/** What is known of a phone; null where it is no phone of this world. The code of another than a test phone is its DC's digit. */
export function knownPhone(world: World, given: string): KnownPhone | null {
  const phone = phoneDigits(given);
  const user = world.userByPhone(phone);
  const digit = TEST_PHONE.exec(phone)?.[1];
  if (!user && !digit) return null;
  const dcId = user?.dcId ?? Number(digit);
  return { phone, dcId, code: (digit ?? String(dcId % 10)).repeat(5), user };
}
