import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { _serverKeys as serverKeys } from "telegram/crypto/RSA.js";
import { expect, it } from "vitest";
import { readServerKey, trustServerKey } from "../../telegram/gramjs/server-keys.ts";

it("computes the fingerprints that GramJS knows Telegram's keys by", () => {
  for (const [fingerprint, { n, e }] of serverKeys) {
    const hex = n.toString(16);
    const modulus = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
    const exponent = Buffer.from([e >> 16, (e >> 8) & 255, e & 255]);
    const jwk = { kty: "RSA", n: modulus.toString("base64url"), e: exponent.toString("base64url") };
    const key = createPublicKey({ key: jwk, format: "jwk" });
    for (const type of ["pkcs1", "spki"] as const) {
      const pem = key.export({ type, format: "pem" }).toString();
      expect(readServerKey(pem).fingerprint).toBe(BigInt(fingerprint));
    }
  }
});

it("makes GramJS accept a key of our own", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const { fingerprint, modulus } = readServerKey(pem);
  try {
    trustServerKey(pem);
    expect(serverKeys.get(fingerprint.toString())?.n.toString(16)).toBe(modulus.toString("hex"));
    expect(serverKeys.get(fingerprint.toString())?.e).toBe(65_537);
  } finally {
    serverKeys.delete(fingerprint.toString());
  }
});

it("refuses what is no RSA public key", () => {
  expect(() => readServerKey("no key")).toThrow();
  const { publicKey } = generateKeyPairSync("ed25519");
  expect(() => readServerKey(publicKey.export({ type: "spki", format: "pem" }).toString())).toThrow();
});
