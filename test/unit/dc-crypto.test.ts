import { createPublicKey, randomBytes } from "node:crypto";
import { IGE } from "telegram/crypto/IGE.js";
import { expect, it } from "vitest";
import { decryptIge, encryptIge } from "../../emulator/dc/aes-ige.ts";
import { createDhGroup } from "../../emulator/dc/dh-group.ts";
import { keyIdOf, openClientMessage, sealServerMessage } from "../../emulator/dc/message-cipher.ts";
import { createRsaKey, readRsaKey } from "../../emulator/dc/rsa-key.ts";
import { Salts } from "../../emulator/dc/salts.ts";
import { readServerKey } from "../../telegram/gramjs/server-keys.ts";
import { DcClient, DcSession } from "../support/dc-client.ts";

it.each([16, 32, 48, 160, 4096])("encrypts %i bytes in IGE as GramJS does, and back", (length) => {
  const [key, iv, data] = [randomBytes(32), randomBytes(32), randomBytes(length)];
  const encrypted = encryptIge(key, iv, data);
  expect(encrypted).toEqual(Buffer.from(new IGE(key, iv).encryptIge(data)));
  expect(decryptIge(key, iv, encrypted)).toEqual(data);
});

it("does not mind where in memory the bytes lie", () => {
  const [key, iv, data] = [randomBytes(32), randomBytes(32), randomBytes(64)];
  const shifted = Buffer.concat([Buffer.alloc(3), data]).subarray(3);
  expect(encryptIge(key, Buffer.concat([Buffer.alloc(1), iv]).subarray(1), shifted)).toEqual(encryptIge(key, iv, data));
  expect(decryptIge(key, iv, shifted)).toEqual(decryptIge(key, iv, data));
});

it("names its RSA key as clients do, and keeps it over a restart", () => {
  const key = createRsaKey();
  expect(readServerKey(key.publicKeyPem).fingerprint).toBe(key.fingerprint);
  expect(key.publicKeyPem).toMatch(/^-----BEGIN RSA PUBLIC KEY-----/);
  expect(createPublicKey(key.publicKeyPem).asymmetricKeyDetails?.modulusLength).toBe(2048);
  expect(readRsaKey(key.privateKeyPem).fingerprint).toBe(key.fingerprint);
});

it("pads what is agreed upon to 256 bytes, and refuses values out of range", () => {
  const group = createDhGroup();
  expect(group.secret(Buffer.from([3]))).toHaveLength(256);
  expect(() => group.secret(Buffer.from([1]))).toThrow();
  expect(() => group.secret(group.prime)).toThrow();
});

it("believes no message that was changed", () => {
  const key = randomBytes(256);
  const client = new DcClient(9);
  const session = new DcSession(client, key);
  client.destroy();
  const frame = session.seal(8n, 1, Buffer.from("0123456789ab"));
  expect(openClientMessage(key, frame)).toMatchObject({ msgId: 8n, seqNo: 1, sessionId: session.sessionId });
  for (const at of [8, 23, 24, frame.length - 1]) {
    const changed = Buffer.from(frame);
    changed[at]! ^= 1;
    expect(openClientMessage(key, changed)).toBeNull();
  }
  expect(openClientMessage(key, frame.subarray(0, -16))).toBeNull();
  expect(openClientMessage(randomBytes(256), frame)).toBeNull();
  const sealed = sealServerMessage(key, keyIdOf(key), {
    salt: 1n,
    sessionId: 2n,
    msgId: 5n,
    seqNo: 0,
    body: Buffer.alloc(4),
  });
  expect(sealed.readBigInt64LE(0)).toBe(keyIdOf(key));
  expect((sealed.length - 24) % 16).toBe(0);
});

it("renews salts every half hour, and takes the last one for half an hour more", () => {
  const salts = new Salts();
  const key = randomBytes(256);
  const minute = 60_000;
  const first = salts.current(key, 0);
  expect(salts.current(key, 29 * minute)).toBe(first);
  expect(salts.current(key, 30 * minute)).not.toBe(first);
  expect(salts.accepts(key, 1n, first, 59 * minute)).toBe(true);
  expect(salts.accepts(key, 1n, first, 60 * minute)).toBe(false);
  expect(new Salts().current(key, 0)).toBe(first);
  salts.agree(1n, 42n, 0);
  expect(salts.accepts(key, 1n, 42n, 29 * minute)).toBe(true);
  expect(salts.accepts(key, 2n, 42n, 29 * minute)).toBe(false);
  expect(salts.accepts(key, 1n, 42n, 30 * minute)).toBe(false);
});
