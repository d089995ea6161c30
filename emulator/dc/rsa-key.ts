import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from "node:crypto";
import { TlWriter } from "../tl/primitives.ts";

/** The key by which clients know that they speak with our data centers. */
export interface RsaKey {
  /** How `resPQ` names the key: signed, the low 64 bits of the SHA-1 of the TL-serialised modulus and exponent. */
  readonly fingerprint: bigint;
  /** PKCS#1 (`BEGIN RSA PUBLIC KEY`), as Telegram publishes its own. */
  readonly publicKeyPem: string;
  /** PKCS#1; secret, for an emulator that keeps its key over restarts. */
  readonly privateKeyPem: string;
  /** The bare RSA operation on 256 bytes; throws where they are not below the modulus. */
  decrypt(block: Buffer): Buffer;
}

/** Makes a 2048-bit key (about 0.2 s). */
export function createRsaKey(): RsaKey {
  for (;;) {
    const key = fromPrivateKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
    // mtcute looks keys up by the fingerprint in hex without leading zeros, but files them with.
    if (BigInt.asUintN(64, key.fingerprint) >> 60n !== 0n) return key;
  }
}

let throwaway: RsaKey | null = null;

/** A key that nothing keeps: the process's own, made when it is first asked for. */
export function throwawayRsaKey(): RsaKey {
  throwaway ??= createRsaKey();
  return throwaway;
}

/** @throws where `pem` is not an RSA private key */
export function readRsaKey(pem: string): RsaKey {
  return fromPrivateKey(createPrivateKey(pem));
}

function fromPrivateKey(privateKey: KeyObject): RsaKey {
  const publicKey = createPublicKey(privateKey);
  const { n, e } = publicKey.export({ format: "jwk" });
  if (!n || !e) throw new Error("not an RSA key");
  return {
    fingerprint: fingerprintOf(Buffer.from(n, "base64url"), Buffer.from(e, "base64url")),
    publicKeyPem: publicKey.export({ format: "pem", type: "pkcs1" }).toString(),
    privateKeyPem: privateKey.export({ format: "pem", type: "pkcs1" }).toString(),
    decrypt: (block) => privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block),
  };
}

/** core.telegram.org/mtproto/auth_key: the bare type `rsa_public_key n:string e:string`. */
function fingerprintOf(modulus: Buffer, exponent: Buffer): bigint {
  const serialised = new TlWriter(300).bytes(modulus).bytes(exponent).finish();
  return createHash("sha1").update(serialised).digest().readBigInt64LE(12);
}
