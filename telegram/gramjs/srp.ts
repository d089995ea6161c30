import { createHash, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { RpcRefused } from "../errors.ts";
import type { PasswordParameters, PasswordProof } from "../login/password.ts";
import { powerModuloTelegramPrime, TELEGRAM_PRIME, TELEGRAM_PRIME_BYTES, toBigInt } from "./codec/telegram-prime.ts";

const derive = promisify(pbkdf2);
const SIZE = 256;
const P = TELEGRAM_PRIME;

/**
 * The client's half of SRP-6a as core.telegram.org/api/srp has it: proves that the password is known, without saying it.
 * The 100,000 rounds run off the event loop (GramJS's own stand on it).
 *
 * @throws RpcRefused PASSWORD_ALGORITHM_UNKNOWN for another prime than Telegram's, or a generator or value out of range
 */
export async function provePassword(parameters: PasswordParameters, password: string): Promise<PasswordProof> {
  const { salt1, salt2, g } = parameters;
  const B = toBigInt(parameters.srpB);
  if (!parameters.p.equals(TELEGRAM_PRIME_BYTES) || g < 2 || g > 7 || B < 2n || B > P - 2n)
    throw new RpcRefused("PASSWORD_ALGORITHM_UNKNOWN", "account.getPassword", 0);
  const gBytes = padded(BigInt(g));
  const k = toBigInt(sha256(parameters.p, gBytes));
  const x = toBigInt(await hashOf(password, salt1, salt2));
  const v = powerModuloTelegramPrime(BigInt(g), x);
  const bBytes = padded(B);
  for (;;) {
    const a = toBigInt(randomBytes(SIZE));
    const A = padded(powerModuloTelegramPrime(BigInt(g), a));
    const u = toBigInt(sha256(A, bBytes));
    const base = (((B - k * v) % P) + P) % P;
    if (u === 0n || base < 2n || base > P - 2n) continue;
    const shared = sha256(padded(powerModuloTelegramPrime(base, a + u * x)));
    const M1 = sha256(xor(sha256(parameters.p), sha256(gBytes)), sha256(salt1), sha256(salt2), A, bBytes, shared);
    return { srpId: parameters.srpId, A, M1 };
  }
}

/** PH2 of core.telegram.org/api/srp. */
async function hashOf(password: string, salt1: Buffer, salt2: Buffer): Promise<Buffer> {
  const salted = (data: Buffer, salt: Buffer) => sha256(salt, data, salt);
  const first = salted(salted(Buffer.from(password, "utf8"), salt1), salt2);
  return salted(await derive(first, salt1, 100_000, 64, "sha512"), salt2);
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const padded = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(SIZE * 2, "0"), "hex");
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
