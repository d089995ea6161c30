import type bigInt from "big-integer";
import type { AuthKey } from "telegram/crypto/AuthKey.js";

type Long = bigInt.BigInteger;

/** Some 100 bytes each. */
const REMEMBERED_KEYS = 20_000;

/** By the key's id, the oldest first. */
const remembered = new Map<string, Long>();

/**
 * The salt that a data center wants with a key (core.telegram.org/mtproto/description#server-salt): what it last told
 * this process, which it takes for half an hour and more. A connection that begins with another one is told so, and says
 * everything again: a round trip. No salt is a secret: whoever has no key can do nothing with it.
 */
export function saltOf(key: AuthKey | undefined): Long | undefined {
  return key?.keyId && remembered.get(key.keyId.toString());
}

export function rememberSalt(key: AuthKey, salt: Long): void {
  const id = key.keyId?.toString();
  if (id === undefined) return;
  remembered.delete(id);
  remembered.set(id, salt);
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED_KEYS && oldest !== undefined) remembered.delete(oldest);
}
