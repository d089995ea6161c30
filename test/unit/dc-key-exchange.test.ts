import { constants, createHash, publicEncrypt, randomBytes } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { decryptIge, encryptIge } from "../../emulator/dc/aes-ige.ts";
import type { DhGroup } from "../../emulator/dc/dh-group.ts";
import { type AgreedKey, KeyExchange } from "../../emulator/dc/key-exchange.ts";
import { createRsaKey, type RsaKey } from "../../emulator/dc/rsa-key.ts";
import { TransportError } from "../../emulator/dc/transport-error.ts";
import { TlReader, TlWriter } from "../../emulator/tl/primitives.ts";

const INNER_DATA = 0x83c95aec;
const INNER_DATA_DC = 0xa9f55f95;
const INNER_DATA_TEMP_DC = 0x56fddf88;

let rsa: RsaKey;

beforeAll(() => {
  rsa = createRsaKey();
});

/** A group whose secrets the test chooses. */
function groupOf(secrets: (Buffer | null)[]): DhGroup {
  return {
    generator: 3,
    prime: Buffer.alloc(256, 0xc7),
    publicValue: () => Buffer.alloc(256, 0x55),
    secret() {
      const secret = secrets.shift();
      if (!secret) throw new RangeError("g^b out of range");
      return secret;
    },
  };
}

/** A client's half by hand, each step as wrong as a test wants it. */
function exchange(secrets: (Buffer | null)[] = []) {
  const agreed: AgreedKey[] = [];
  const server = new KeyExchange({ dcId: 2, rsa, dh: groupOf(secrets), agreed: (key) => agreed.push(key) });
  const nonce = randomBytes(16);
  const newNonce = randomBytes(32);
  let serverNonce = Buffer.alloc(16);
  let aes = { key: Buffer.alloc(32), iv: Buffer.alloc(32) };
  const ask = (request: TlWriter) => new TlReader(server.answer(request.finish(), 1_700_000_000_000));

  return {
    agreed,
    newNonce,
    pq() {
      const answer = ask(new TlWriter().int(0xbe7e8ef1).raw(nonce));
      expect(answer.id()).toBe(0x05162463);
      expect(answer.raw(16)).toEqual(nonce);
      serverNonce = Buffer.from(answer.raw(16));
      const pq = answer.bytes().readBigUInt64BE();
      expect(answer.vector((item) => item.long())).toEqual([rsa.fingerprint]);
      return pq;
    },
    dhParams(wrong: { kind?: number; dc?: number; q?: string; fingerprint?: bigint; spoil?: boolean } = {}) {
      const [p, q] = [Buffer.from("494c553b", "hex"), Buffer.from(wrong.q ?? "53911073", "hex")];
      const kind = wrong.kind ?? INNER_DATA_DC;
      const inner = new TlWriter().int(kind).bytes(Buffer.from("17ed48941a08f981", "hex")).bytes(p).bytes(q);
      inner.raw(nonce).raw(serverNonce).raw(newNonce);
      if (kind !== INNER_DATA) inner.int(wrong.dc ?? 2);
      if (kind === INNER_DATA_TEMP_DC) inner.int(86_400);
      const encrypted = padAndEncrypt(inner.finish(), wrong.spoil ?? false);
      const request = new TlWriter().int(0xd712e4be).raw(nonce).raw(serverNonce).bytes(p).bytes(q);
      const answer = ask(request.long(wrong.fingerprint ?? rsa.fingerprint).bytes(encrypted));
      const id = answer.id();
      answer.raw(32);
      if (id !== 0xd0e8075c) return { id, hash: answer.raw(16) };
      const [a, b] = [sha1(newNonce, serverNonce), sha1(serverNonce, newNonce)];
      aes = {
        key: Buffer.concat([a, b.subarray(0, 12)]),
        iv: Buffer.concat([b.subarray(12), sha1(newNonce, newNonce), newNonce.subarray(0, 4)]),
      };
      const plain = decryptIge(aes.key, aes.iv, answer.bytes());
      const data = new TlReader(plain, 20);
      expect(data.id()).toBe(0xb5890dba);
      data.raw(32);
      expect([data.int(), data.bytes(), data.bytes().length, data.int()]).toEqual([
        3,
        Buffer.alloc(256, 0xc7),
        256,
        1_700_000_000,
      ]);
      expect(sha1(plain.subarray(20, data.offset))).toEqual(plain.subarray(0, 20));
      return { id, hash: null };
    },
    clientParams(spoil = false) {
      const inner = new TlWriter()
        .int(0x6643b654)
        .raw(nonce)
        .raw(serverNonce)
        .long(0n)
        .bytes(randomBytes(256))
        .finish();
      const hash = spoil ? randomBytes(20) : sha1(inner);
      const padding = Buffer.alloc((16 - ((20 + inner.length) % 16)) % 16);
      const encrypted = encryptIge(aes.key, aes.iv, Buffer.concat([hash, inner, padding]));
      const answer = ask(new TlWriter().int(0xf5045f1f).raw(nonce).raw(serverNonce).bytes(encrypted));
      const id = answer.id();
      answer.raw(32);
      return { id, hash: answer.raw(16) };
    },
    nonceHash: (number: number, key: Buffer) =>
      sha1(newNonce, Buffer.from([number]), sha1(key).subarray(0, 8)).subarray(4),
    salt: () => newNonce.readBigInt64LE() ^ serverNonce.readBigInt64LE(),
  };
}

it.each([INNER_DATA, INNER_DATA_DC])("agrees on a key and a first salt (%i)", (kind) => {
  const secret = Buffer.alloc(256, 0x77);
  const client = exchange([secret]);
  expect(client.pq()).toBe(0x494c553bn * 0x53911073n);
  client.dhParams({ kind });
  expect(client.clientParams()).toEqual({ id: 0x3bcbf734, hash: client.nonceHash(1, secret) });
  expect(client.agreed).toEqual([{ key: secret, salt: client.salt() }]);
});

it("asks for another g^b where the key would begin with zeros, and goes on with it", () => {
  const zeros = Buffer.concat([Buffer.alloc(2), Buffer.alloc(254, 1)]);
  const secret = Buffer.alloc(256, 0x77);
  const client = exchange([zeros, secret]);
  client.pq();
  client.dhParams();
  expect(client.clientParams()).toEqual({ id: 0x46dc1fb9, hash: client.nonceHash(2, zeros.subarray(2)) });
  expect(client.agreed).toEqual([]);
  expect(client.clientParams().id).toBe(0x3bcbf734);
  expect(client.agreed).toHaveLength(1);
});

it("says that it failed where g^b is out of range", () => {
  const client = exchange([null]);
  client.pq();
  client.dhParams();
  expect(client.clientParams().id).toBe(0xa69dae02);
  expect(() => client.clientParams()).toThrow(TransportError);
});

it("takes test and media data centers for what they are, and no other", () => {
  for (const dc of [10_002, -2, -10_002]) {
    const client = exchange();
    client.pq();
    expect(client.dhParams({ dc }).id).toBe(0xd0e8075c);
  }
  const lost = exchange();
  lost.pq();
  expect(() => lost.dhParams({ dc: 4 })).toThrow(expect.objectContaining({ code: -444 }));
});

it("refuses temporary keys in the protocol's words", () => {
  const client = exchange();
  client.pq();
  const refused = client.dhParams({ kind: INNER_DATA_TEMP_DC });
  expect(refused).toEqual({ id: 0x79cb045d, hash: sha1(client.newNonce).subarray(4) });
});

it.each([
  ["wrong factors", { q: "53911075" }],
  ["an unknown fingerprint", { fingerprint: 1n }],
  ["wrong padding", { spoil: true }],
])("breaks off at %s", (_name, wrong) => {
  const client = exchange();
  client.pq();
  expect(() => client.dhParams(wrong)).toThrow(expect.objectContaining({ name: "TransportError", code: -404 }));
});

it("breaks off at steps out of turn and at a wrong hash", () => {
  const hasty = exchange();
  expect(() => hasty.dhParams()).toThrow(TransportError);
  expect(() => hasty.clientParams()).toThrow(TransportError);
  const wrong = exchange();
  wrong.pq();
  wrong.dhParams();
  expect(() => wrong.clientParams(true)).toThrow(TransportError);
});

/** RSA_PAD as core.telegram.org/mtproto/auth_key tells it. */
function padAndEncrypt(data: Buffer, spoil: boolean): Buffer {
  for (;;) {
    const padded = Buffer.concat([data, randomBytes(192 - data.length)]);
    const key = randomBytes(32);
    const hash = spoil ? randomBytes(32) : sha256(key, padded);
    const encrypted = encryptIge(key, Buffer.alloc(32), Buffer.concat([Buffer.from(padded).reverse(), hash]));
    const mask = sha256(encrypted);
    const block = Buffer.concat([key.map((byte, at) => byte ^ mask[at]!), encrypted]);
    try {
      return publicEncrypt({ key: rsa.publicKeyPem, padding: constants.RSA_NO_PADDING }, block);
    } catch {
      // Not below the modulus: another key.
    }
  }
}

function sha1(...parts: Buffer[]): Buffer {
  return createHash("sha1").update(Buffer.concat(parts)).digest();
}

function sha256(...parts: Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
