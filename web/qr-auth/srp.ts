import { fromHex, powerModulo, toBigInt, toBytes, toHex } from "./big-numbers.ts";
import { assertGoodGroup, UnsafeParameters } from "./srp-group.ts";

/** What Telegram asks of whoever knows the two-step password, as our server passes it on: bytes in hexadecimal. */
export interface PasswordParameters {
  readonly srp_id: string;
  readonly srp_B: string;
  readonly salt1: string;
  readonly salt2: string;
  readonly g: number;
  readonly p: string;
  readonly hint: string | null;
}

/** Shows that the password is known, without saying it. Good once. */
export interface PasswordProof {
  readonly srp_id: string;
  readonly A: string;
  readonly M1: string;
}

const SIZE = 256;
const ROUNDS = 100_000;
/** g_a and g_b lie at least so far from 0 and from p, as core.telegram.org/mtproto/auth_key recommends. */
const MARGIN = 1n << (2048n - 64n);

/**
 * The client's half of SRP-6a, in the words of core.telegram.org/api/srp. The password stays in this page.
 *
 * @param random fills bytes; the browser's own source unless given
 * @throws UnsafeParameters
 */
export async function provePassword(
  parameters: PasswordParameters,
  password: string,
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (bytes) => crypto.getRandomValues(bytes),
): Promise<PasswordProof> {
  const [salt1, salt2] = [fromHex(parameters.salt1), fromHex(parameters.salt2)];
  const p = toBigInt(fromHex(parameters.p));
  const g = BigInt(parameters.g);
  const g_b = toBigInt(fromHex(parameters.srp_B));
  const isSafe = (value: bigint) => value >= MARGIN && value <= p - MARGIN;
  assertGoodGroup(p, parameters.g);
  if (!isSafe(g_b)) throw new UnsafeParameters("g_b is out of range");

  const [pBytes, gBytes, gbBytes] = [p, g, g_b].map((value) => toBytes(value, SIZE)) as [Bytes, Bytes, Bytes];
  const k = toBigInt(await H(pBytes, gBytes));
  const x = toBigInt(await PH2(new TextEncoder().encode(password), salt1, salt2));
  const v = powerModulo(g, x, p);
  const k_v = (k * v) % p;
  for (;;) {
    const a = toBigInt(random(new Uint8Array(SIZE)));
    const g_a = powerModulo(g, a, p);
    const gaBytes = toBytes(g_a, SIZE);
    const u = toBigInt(await H(gaBytes, gbBytes));
    const t = (((g_b - k_v) % p) + p) % p;
    if (!isSafe(g_a) || u === 0n || t < 2n || t > p - 2n) continue;
    const s_a = powerModulo(t, a + u * x, p);
    const k_a = await H(toBytes(s_a, SIZE));
    const M1 = await H(xor(await H(pBytes), await H(gBytes)), await H(salt1), await H(salt2), gaBytes, gbBytes, k_a);
    return { srp_id: parameters.srp_id, A: toHex(gaBytes), M1: toHex(M1) };
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

async function H(...data: readonly Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concatenated(data)));
}

const SH = (data: Bytes, salt: Bytes): Promise<Bytes> => H(salt, data, salt);

const PH1 = async (password: Bytes, salt1: Bytes, salt2: Bytes): Promise<Bytes> => SH(await SH(password, salt1), salt2);

async function PH2(password: Bytes, salt1: Bytes, salt2: Bytes): Promise<Bytes> {
  const first = await PH1(password, salt1, salt2);
  const key = await crypto.subtle.importKey("raw", first, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-512", salt: salt1, iterations: ROUNDS };
  return SH(new Uint8Array(await crypto.subtle.deriveBits(how, key, 512)), salt2);
}

function concatenated(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const xor = (one: Bytes, other: Bytes): Bytes => one.map((byte, index) => byte ^ (other[index] ?? 0));
