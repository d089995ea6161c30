import { createDiffieHellman, type DiffieHellman, randomBytes } from "node:crypto";

/** The 2048-bit safe prime that Telegram's own data centers use: clients know it and skip their primality checks. */
const PRIME = Buffer.from(
  "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513" +
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988" +
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4" +
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f" +
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
  "hex",
);

const GENERATOR = 3;

/** Our half of every key agreement. */
export interface DhGroup {
  readonly generator: number;
  readonly prime: Buffer;
  /** g^a. */
  publicValue(): Buffer;
  /** g^ab from the client's g^b, padded to 256 bytes; throws where g^b is out of range. */
  secret(clientValue: Buffer): Buffer;
}

/** One exponent for all agreements of the process; made at the first handshake, since accounts that arrive logged in never make one. */
let own: { readonly exponent: Buffer; readonly publicValue: Buffer } | null = null;
/** node:crypto checks the prime at each creation, which takes 0.3 s; one power takes 2 ms. */
let group: DiffieHellman | null = null;

export function createDhGroup(): DhGroup {
  return {
    generator: GENERATOR,
    prime: PRIME,
    publicValue: () => ownKeys().publicValue,
    secret: (clientValue) => power(clientValue, ownKeys().exponent),
  };
}

/** `base^exponent` modulo the group's prime, 256 bytes; throws where `base` is not from 2 to the prime - 2. */
export function power(base: Buffer, exponent: Buffer): Buffer {
  group ??= createDiffieHellman(PRIME, GENERATOR);
  group.setPrivateKey(exponent);
  const result = group.computeSecret(base);
  return result.length === 256 ? result : Buffer.concat([Buffer.alloc(256 - result.length), result]);
}

function ownKeys() {
  while (!own) {
    const exponent = randomBytes(256);
    const publicValue = power(Buffer.of(GENERATOR), exponent);
    // Clients refuse values near the ends of the range, which a leading zero byte would be a sign of.
    if (publicValue[0] !== 0) own = { exponent, publicValue };
  }
  return own;
}
