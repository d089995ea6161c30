import { createDiffieHellman, getDiffieHellman } from "node:crypto";
import { expect, test } from "vitest";
import { createSrpChallenge, kdfAlgo, passwordVerifier } from "../../emulator/services/srp.ts";
import { powerModulo, toBigInt } from "../../web/qr-auth/big-numbers.ts";
import { type PasswordParameters, provePassword } from "../../web/qr-auth/srp.ts";
import { assertGoodGroup, isSafePrime, UnsafeParameters } from "../../web/qr-auth/srp-group.ts";

/** The proof that the page makes, judged by who holds the verifier. */
const ALGO = kdfAlgo(Buffer.from("of this test"), 7n);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

async function asked(password: string, changed: Partial<PasswordParameters> = {}) {
  const challenge = createSrpChallenge(ALGO, await passwordVerifier(ALGO, password));
  const parameters: PasswordParameters = {
    ...{ srp_id: String(challenge.srpId), srp_B: hex(challenge.publicValue), g: ALGO.g, p: hex(ALGO.p), hint: null },
    ...{ salt1: hex(ALGO.salt1), salt2: hex(ALGO.salt2), ...changed },
  };
  return { challenge, parameters };
}

test.each(["correct horse", "Korrektes Pferd 🐎", "пароль", "é", " leading and trailing ", "x".repeat(1_024)])(
  "proves %j, and nothing else",
  async (password) => {
    const { challenge, parameters } = await asked(password);
    const right = await provePassword(parameters, password);
    expect(right).toEqual({
      srp_id: parameters.srp_id,
      A: expect.stringMatching(/^[0-9a-f]{512}$/),
      M1: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const accepts = ({ A, M1 }: { A: string; M1: string }) =>
      challenge.accepts(Buffer.from(A, "hex"), Buffer.from(M1, "hex"));
    expect(accepts(right)).toBe(true);
    expect(accepts(await provePassword(parameters, `${password}.`))).toBe(false);
  },
);

test("takes a new secret each time", async () => {
  const { parameters } = await asked("correct horse");
  const [one, other] = await Promise.all([1, 2].map(() => provePassword(parameters, "correct horse")));
  expect(one?.A).not.toBe(other?.A);
});

const P = toBigInt(ALGO.p);
test.each<[string, Partial<PasswordParameters>]>([
  ["another prime of 2048 bits that is no safe one", { p: hex(composite()) }],
  ["a prime that is shorter", { p: hex(getDiffieHellman("modp5").getPrime()) }],
  ["a generator of the wrong group", { g: 5 }],
  ["a generator that nobody uses", { g: 1 }],
  ["g_b of 0", { srp_B: "00".repeat(256) }],
  ["g_b of 1", { srp_B: `${"00".repeat(255)}01` }],
  ["g_b of p - 1", { srp_B: (P - 1n).toString(16) }],
  ["g_b beyond p", { srp_B: "ff".repeat(256) }],
])("makes no proof from %s", async (_what, changed) => {
  const { parameters } = await asked("correct horse", changed);
  await expect(provePassword(parameters, "correct horse")).rejects.toThrow(UnsafeParameters);
});

test("takes another safe prime than Telegram's once it has seen that it is one", () => {
  const other = toBigInt(getDiffieHellman("modp14").getPrime());
  expect(isSafePrime(other)).toBe(true);
  expect(() => assertGoodGroup(other, 2)).not.toThrow();
});

test("raises to powers as OpenSSL does", () => {
  const one = createDiffieHellman(Buffer.from(ALGO.p), ALGO.g);
  one.generateKeys();
  const power = powerModulo(BigInt(ALGO.g), toBigInt(one.getPrivateKey()), P);
  expect(power).toBe(toBigInt(one.getPublicKey()));
});

/** Looks like the prime to whoever tests its size and its remainders by 2, 3, 5, 7 and 8. */
function composite(): Buffer {
  const step = 840n;
  let other = P;
  do other -= step;
  while (other % 11n !== 0n);
  return Buffer.from(other.toString(16), "hex");
}
