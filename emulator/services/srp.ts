import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { createDhGroup, power } from "../dc/dh-group.ts";

const derive = promisify(pbkdf2);

/** `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow` (core.telegram.org/api/srp). */
export interface KdfAlgo {
  readonly salt1: Buffer;
  readonly salt2: Buffer;
  readonly g: number;
  readonly p: Buffer;
}

/** The server's half of one password check. */
export interface SrpChallenge {
  readonly srpId: bigint;
  /** `srp_B`, 256 bytes. */
  readonly publicValue: Buffer;
  /** Whether the client knows the password. */
  accepts(clientValue: Buffer, proof: Buffer): boolean;
}

const { prime: P, generator: G } = createDhGroup();
const SIZE = P.length;
const p = toBigInt(P);
const g = BigInt(G);
const gPadded = padded(g);
const multiplier = toBigInt(sha256(P, gPadded));

/** The algorithm with salts that stay the same for an account. */
export function kdfAlgo(secret: Buffer, accountId: bigint): KdfAlgo {
  const salt = (which: string) => createHmac("sha256", secret).update(`${which}:${accountId}`).digest().subarray(0, 16);
  return { salt1: salt("salt1"), salt2: salt("salt2"), g: G, p: P };
}

/** v = g^x: what a server keeps of a password. Takes about 0.1 s off the event loop. */
export async function passwordVerifier(algo: KdfAlgo, password: string): Promise<bigint> {
  const salted = (data: Buffer, salt: Buffer) => sha256(salt, data, salt);
  const first = salted(salted(Buffer.from(password, "utf8"), algo.salt1), algo.salt2);
  const stretched = await derive(first, algo.salt1, 100_000, 64, "sha512");
  return powerOf(g, toBigInt(salted(stretched, algo.salt2)));
}

export function createSrpChallenge(algo: KdfAlgo, verifier: bigint): SrpChallenge {
  const b = toBigInt(randomBytes(SIZE));
  const publicValue = padded((multiplier * verifier + powerOf(g, b)) % p);
  return {
    srpId: randomBytes(8).readBigInt64LE(0),
    publicValue,
    accepts(clientValue, proof) {
      const a = toBigInt(clientValue);
      if (a % p === 0n) return false;
      const aPadded = padded(a);
      const u = toBigInt(sha256(aPadded, publicValue));
      const shared = padded(powerOf(a * powerOf(verifier, u), b));
      const expected = sha256(
        xor(sha256(P), sha256(gPadded)),
        sha256(algo.salt1),
        sha256(algo.salt2),
        aPadded,
        publicValue,
        sha256(shared),
      );
      return expected.equals(proof);
    },
  };
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ b[index]!));
}

function toBigInt(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
}

function padded(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(SIZE * 2, "0"), "hex");
}

/** `base^exponent` modulo P. The prime is one, so exponents count modulo P - 1 (Fermat). */
function powerOf(base: bigint, exponent: bigint): bigint {
  return toBigInt(power(padded(base % p), padded(exponent % (p - 1n))));
}
