import { createHash, createPublicKey } from "node:crypto";
import bigInt from "big-integer";
import { _serverKeys as serverKeys } from "telegram/crypto/RSA.js";

export interface ServerKey {
  /** Signed 64 bits, as the server names it in `resPQ`. */
  readonly fingerprint: bigint;
  readonly modulus: Buffer;
  readonly exponent: Buffer;
}

/**
 * Reads a data center's RSA key (PEM, PKCS#1 or SPKI) and computes its fingerprint: the low 64 bits of the SHA-1 of
 * modulus and exponent, each as TL bytes (core.telegram.org/mtproto/auth_key).
 *
 * @throws where the text is no RSA public key
 */
export function readServerKey(pem: string): ServerKey {
  const { n, e } = createPublicKey(pem).export({ format: "jwk" });
  if (!n || !e) throw new Error("not an RSA public key");
  const modulus = Buffer.from(n, "base64url");
  const exponent = Buffer.from(e, "base64url");
  const digest = createHash("sha1").update(tlBytes(modulus)).update(tlBytes(exponent)).digest();
  return { fingerprint: digest.readBigInt64LE(12), modulus, exponent };
}

const trusted = new Set<string>();

/** Makes GramJS accept the data center that has this key. Idempotent; GramJS keeps its keys in one table a process. */
export function trustServerKey(pem: string): void {
  // Every connection comes by here.
  if (trusted.has(pem)) return;
  const key = readServerKey(pem);
  serverKeys.set(key.fingerprint.toString(), {
    n: bigInt(key.modulus.toString("hex"), 16),
    e: Number.parseInt(key.exponent.toString("hex"), 16),
  });
  trusted.add(pem);
}

function tlBytes(data: Buffer): Buffer {
  const head =
    data.length < 254
      ? Buffer.from([data.length])
      : Buffer.from([254, data.length & 255, (data.length >> 8) & 255, (data.length >> 16) & 255]);
  const padding = Buffer.alloc((4 - ((head.length + data.length) % 4)) % 4);
  return Buffer.concat([head, data, padding]);
}
