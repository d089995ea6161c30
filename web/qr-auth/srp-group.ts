import { powerModulo } from "./big-numbers.ts";

/** The parameters are none that a proof may be made from: to go on could give the password away. */
export class UnsafeParameters extends Error {
  override name = "UnsafeParameters";
}

/** The prime that Telegram uses everywhere (core.telegram.org/mtproto/auth_key): known to be good, so not tested anew. */
const TELEGRAM_PRIME = BigInt(
  "0xc71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513" +
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988" +
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4" +
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f" +
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
);

/** A composite passes one with a chance of a quarter at most. */
const MILLER_RABIN_ROUNDS = 20;

/** For which remainders of p the generator's powers are a group of prime order (core.telegram.org/mtproto/auth_key). */
const GENERATORS: Readonly<Record<number, readonly [modulus: bigint, remainders: readonly bigint[]]>> = {
  2: [8n, [7n]],
  3: [3n, [2n]],
  4: [1n, [0n]],
  5: [5n, [1n, 4n]],
  6: [24n, [19n, 23n]],
  7: [7n, [3n, 5n, 6n]],
};

/** @throws UnsafeParameters unless p is a safe prime of 2048 bits and g generates a group of prime order in it */
export function assertGoodGroup(p: bigint, g: number): void {
  if (p <= 1n << 2047n || p >= 1n << 2048n) throw new UnsafeParameters("p has not 2048 bits");
  const rule = GENERATORS[g];
  if (!rule?.[1].includes(p % rule[0])) throw new UnsafeParameters("g is no generator for p");
  if (p !== TELEGRAM_PRIME && !isSafePrime(p)) throw new UnsafeParameters("p is no safe prime");
}

/** Whether both p and (p - 1) / 2 are prime. Takes seconds where they are. */
export const isSafePrime = (p: bigint): boolean => isProbablyPrime(p) && isProbablyPrime((p - 1n) / 2n);

/** Miller and Rabin's test, with bases that nobody can have chosen the number for. */
function isProbablyPrime(n: bigint): boolean {
  if (n < 4n) return n === 2n || n === 3n;
  if (n % 2n === 0n) return false;
  let odd = n - 1n;
  let twos = 0;
  for (; odd % 2n === 0n; odd /= 2n) twos += 1;
  for (let round = 0; round < MILLER_RABIN_ROUNDS; round += 1) {
    let power = powerModulo(randomBase(n), odd, n);
    if (power === 1n || power === n - 1n) continue;
    let witness = true;
    for (let step = 1; step < twos && witness; step += 1) {
      power = (power * power) % n;
      witness = power !== n - 1n;
    }
    if (witness) return false;
  }
  return true;
}

/** From 2 to n - 2. */
function randomBase(n: bigint): bigint {
  const words = crypto.getRandomValues(new Uint32Array(Math.ceil(n.toString(16).length / 8) + 1));
  const random = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return 2n + (random % (n - 3n));
}
