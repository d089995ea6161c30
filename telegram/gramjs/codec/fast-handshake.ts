import { checkPrimeSync, generatePrimeSync, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import bigInt from "big-integer";
import type { Log } from "../../../runtime/log.ts";
import { factorOf } from "./factorize.ts";
import { install } from "./fast-codec.ts";
import type { ModulePatch } from "./patch.ts";
import { bytesOf, powerModuloTelegramPrime, TELEGRAM_PRIME, toBigInt } from "./telegram-prime.ts";

type Helpers = typeof import("telegram/Helpers.js");
type Powers = Pick<Helpers, "modExp">;
type Bytes = Pick<Helpers, "getByteArray">;
type Crypto = typeof import("telegram/crypto/Factorizator.js");

const gramjs = createRequire(import.meta.url);
const PRIME = bigInt(TELEGRAM_PRIME);
/** The originals take so long that more would be felt. */
const TRIALS = 2;
let decided = false;

/**
 * Makes the key exchange cost a few milliseconds of the event loop instead of 80: a process that logs in a thousand
 * people at once goes on doing everything else. Only for connections that make a new key. May be called again, which
 * does nothing.
 */
export function useFastHandshake(log: Log): void {
  if (decided) return;
  decided = true;
  install(opensslPowers as unknown as ModulePatch, gramjs(opensslPowers.module) as object, log, TRIALS);
  install(numberBytes as unknown as ModulePatch, gramjs(numberBytes.module) as object, log, TRIALS);
  install(squareForms as unknown as ModulePatch, gramjs(squareForms.module) as object, log, TRIALS);
}

/** Powers modulo Telegram's own prime by OpenSSL, modulo anything else as before. */
export const opensslPowers: ModulePatch<Powers> = {
  name: "powers modulo Telegram's prime",
  module: "telegram/Helpers.js",
  make: (original) => ({
    modExp(base, exponent, modulus) {
      const worthwhile = modulus.equals(PRIME) && base.greater(1) && base.lesser(PRIME.minus(1));
      if (!worthwhile || exponent.lesser(2)) return original.modExp(base, exponent, modulus);
      return bigInt(powerModuloTelegramPrime(BigInt(base.toString()), BigInt(exponent.toString())));
    },
  }),
  agrees(ours, theirs) {
    const base = bigInt(toBigInt(randomBytes(255)));
    // A short exponent: the original takes 50 ms for a long one. That long ones are right, the primes' own law tells.
    const short = bigInt(toBigInt(randomBytes(4)));
    const [a, b] = [toBigInt(randomBytes(256)), toBigInt(randomBytes(256))];
    const power = (exponent: bigint) => BigInt(ours.modExp(base, bigInt(exponent), PRIME).toString());
    const product = (power(a) * power(b)) % TELEGRAM_PRIME;
    return ours.modExp(base, short, PRIME).equals(theirs.modExp(base, short, PRIME)) && product === power(a + b);
  },
};

/** Numbers without a sign as bytes by the engine's bigint, instead of through their digits in base 2. */
export const numberBytes: ModulePatch<Bytes> = {
  name: "bytes of numbers",
  module: "telegram/Helpers.js",
  make: (original) => ({
    getByteArray(integer, signed = false) {
      const value = BigInt(integer.toString());
      return signed || value < 0n ? original.getByteArray(integer, signed) : bytesOf(value);
    },
  }),
  agrees: (ours, theirs) =>
    [randomBytes(256), randomBytes(8), randomBytes(1), Buffer.of(0), Buffer.of(1, 0)].every((bytes) => {
      const number = bigInt(toBigInt(bytes));
      return ours.getByteArray(number).equals(theirs.getByteArray(number));
    }),
};

/** The two primes that a data center asks for, by square forms. It throws where those find none. */
export const squareForms: ModulePatch<Crypto> = {
  name: "factors",
  module: "telegram/crypto/Factorizator.js",
  make: (original) => ({
    Factorizator: class extends original.Factorizator {
      static override factorize(pq: bigInt.BigInteger) {
        const product = BigInt(pq.toString());
        const canBe = product > 1n && product < 1n << 63n && !checkPrimeSync(product);
        const factor = canBe ? factorOf(product) : null;
        // GramJS looks for factors without an end, also where there are none. The next try is asked another number.
        if (factor === null) throw new Error("no product of two primes");
        const other = product / factor;
        const [p, q] = factor < other ? [factor, other] : [other, factor];
        return { p: bigInt(p), q: bigInt(q) };
      }
    },
  }),
  agrees(ours) {
    const [a, b] = [generatePrimeSync(31, { bigint: true }), generatePrimeSync(31, { bigint: true })];
    const { p, q } = ours.Factorizator.factorize(bigInt(a * b));
    const [low, high] = a < b ? [a, b] : [b, a];
    return p.equals(bigInt(low)) && q.equals(bigInt(high));
  },
};
