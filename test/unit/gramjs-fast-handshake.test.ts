import { generatePrimeSync, randomBytes } from "node:crypto";
import bigInt from "big-integer";
import { Factorizator } from "telegram/crypto/Factorizator.js";
import { getByteArray, modExp } from "telegram/Helpers.js";
import { expect, test } from "vitest";
import { createSrpChallenge, kdfAlgo, passwordVerifier } from "../../emulator/services/srp.ts";
import { factorOf } from "../../telegram/gramjs/codec/factorize.ts";
import { numberBytes, opensslPowers, squareForms } from "../../telegram/gramjs/codec/fast-handshake.ts";
import { prepareTelegramPrime, TELEGRAM_PRIME, toBigInt } from "../../telegram/gramjs/codec/telegram-prime.ts";
import { provePassword } from "../../telegram/gramjs/srp.ts";

const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });

test("finds the factors of what data centers ask", () => {
  const { Factorizator: fast } = squareForms.make({ Factorizator });
  for (let trial = 0; trial < 200; trial += 1) {
    const [a, b] = [prime(20 + (trial % 12)), prime(31)];
    const { p, q } = fast.factorize(bigInt(a * b));
    expect([p, q].map(String)).toEqual([a, b].sort((x, y) => (x < y ? -1 : 1)).map(String));
  }
  expect(factorOf(0x17ed48941a08f981n)).toBe(0x494c553bn);
  expect(factorOf(49n)).toBe(7n);
});

test("gives up on a number that has no factors, where GramJS looks for ever", () => {
  const { Factorizator: fast } = squareForms.make({ Factorizator });
  for (const product of [prime(62), prime(64) * prime(64), -15n, 0n])
    expect(() => fast.factorize(bigInt(product))).toThrow();
});

test.each(["as it comes", "prepared"])(
  "takes powers as GramJS does, modulo Telegram's prime, %s, and others",
  (how) => {
    if (how === "prepared") prepareTelegramPrime();
    const { modExp: fast } = opensslPowers.make({ modExp });
    const telegrams = bigInt(TELEGRAM_PRIME);
    const random = (bytes: number) => bigInt(toBigInt(randomBytes(bytes)));
    for (const [base, exponent, modulus] of [
      [bigInt(3), random(256), telegrams],
      [random(255), random(256), telegrams],
      [random(255), random(300), telegrams],
      [bigInt(3), bigInt(1), telegrams],
      [bigInt(1), random(256), telegrams],
      [telegrams.minus(1), random(32), telegrams],
      [random(100), bigInt(65_537), random(200)],
    ] as const)
      expect(fast(base, exponent, modulus).toString()).toBe(modExp(base, exponent, modulus).toString());
  },
);

test("writes numbers as GramJS does", () => {
  const { getByteArray: fast } = numberBytes.make({ getByteArray });
  for (const number of [bigInt(0), bigInt(1), bigInt(255), bigInt(256), bigInt(toBigInt(randomBytes(256))), bigInt(-5)])
    for (const signed of [false, true])
      expect(outcome(() => fast(number, signed))).toEqual(outcome(() => getByteArray(number, signed)));
});

function outcome(work: () => Buffer): string {
  try {
    return work().toString("hex");
  } catch (error) {
    return String(error);
  }
}

test("proves a password to whoever has its verifier, and no other password", async () => {
  const algo = kdfAlgo(randomBytes(32), 7n);
  const verifier = await passwordVerifier(algo, "Korrektes Pferd 🐎");
  const tried = async (password: string) => {
    const challenge = createSrpChallenge(algo, verifier);
    const { srpId, publicValue: srpB } = challenge;
    const proof = await provePassword({ ...algo, srpId, srpB, hint: null }, password);
    expect(proof.srpId).toBe(srpId);
    return challenge.accepts(proof.A, proof.M1);
  };
  expect(await tried("Korrektes Pferd 🐎")).toBe(true);
  expect(await tried("korrektes Pferd 🐎")).toBe(false);
});

test("refuses to prove anything in a group that is not Telegram's", async () => {
  const algo = kdfAlgo(randomBytes(32), 7n);
  const asked = { ...algo, srpId: 1n, srpB: randomBytes(255), hint: null };
  for (const wrong of [
    { p: Buffer.alloc(256, 7) },
    { g: 1 },
    { srpB: Buffer.alloc(256) },
    { srpB: Buffer.alloc(256, 255) },
  ])
    await expect(provePassword({ ...asked, ...wrong }, "x")).rejects.toThrow("PASSWORD_ALGORITHM_UNKNOWN");
});
