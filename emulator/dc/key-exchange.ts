import { createHash, randomBytes } from "node:crypto";
import { TlReader, TlWriter } from "../tl/primitives.ts";
import { decryptIge, encryptIge } from "./aes-ige.ts";
import type { DhGroup } from "./dh-group.ts";
import type { RsaKey } from "./rsa-key.ts";
import { TransportError } from "./transport-error.ts";

const REQ_PQ = 0x60469778;
const REQ_PQ_MULTI = 0xbe7e8ef1;
const RES_PQ = 0x05162463;
const REQ_DH_PARAMS = 0xd712e4be;
const P_Q_INNER_DATA = 0x83c95aec;
const P_Q_INNER_DATA_DC = 0xa9f55f95;
const SERVER_DH_PARAMS_OK = 0xd0e8075c;
const SERVER_DH_PARAMS_FAIL = 0x79cb045d;
const SERVER_DH_INNER_DATA = 0xb5890dba;
const SET_CLIENT_DH_PARAMS = 0xf5045f1f;
const CLIENT_DH_INNER_DATA = 0x6643b654;
const DH_GEN_OK = 0x3bcbf734;
const DH_GEN_RETRY = 0x46dc1fb9;
const DH_GEN_FAIL = 0xa69dae02;

/** The example of core.telegram.org/mtproto/samples-auth_key: the client's work is to factor it. */
const PQ = Buffer.from("17ed48941a08f981", "hex");
const P = Buffer.from("494c553b", "hex");
const Q = Buffer.from("53911073", "hex");

/** A key that both sides now have, and the first server salt. */
export interface AgreedKey {
  readonly key: Buffer;
  readonly salt: bigint;
}

type State =
  | { readonly step: "start" }
  | { readonly step: "pq"; readonly nonce: Buffer; readonly serverNonce: Buffer }
  | {
      readonly step: "dh";
      readonly nonce: Buffer;
      readonly serverNonce: Buffer;
      readonly newNonce: Buffer;
      readonly aes: TemporaryAes;
    };

interface TemporaryAes {
  readonly key: Buffer;
  readonly iv: Buffer;
}

/**
 * The server's half of the making of an auth key (core.telegram.org/mtproto/auth_key), one per connection. A new
 * `req_pq` at any time begins again.
 */
export class KeyExchange {
  readonly #dcId: number;
  readonly #rsa: RsaKey;
  readonly #dh: DhGroup;
  readonly #agreed: (agreed: AgreedKey) => void;
  #state: State = { step: "start" };

  constructor(options: { dcId: number; rsa: RsaKey; dh: DhGroup; agreed: (agreed: AgreedKey) => void }) {
    this.#dcId = options.dcId;
    this.#rsa = options.rsa;
    this.#dh = options.dh;
    this.#agreed = options.agreed;
  }

  /**
   * Answers one unencrypted request.
   *
   * @param now wall clock, milliseconds
   * @throws TransportError, and TlReadError where the bytes are no TL
   */
  answer(request: Buffer, now: number): Buffer {
    const reader = new TlReader(request);
    const id = reader.id();
    if (id === REQ_PQ || id === REQ_PQ_MULTI) return this.#resPq(reader);
    if (id === REQ_DH_PARAMS) return this.#dhParams(reader, now);
    if (id === SET_CLIENT_DH_PARAMS) return this.#clientDhParams(reader);
    throw new TransportError(`unencrypted request ${id.toString(16)}`);
  }

  #resPq(reader: TlReader): Buffer {
    const nonce = Buffer.from(reader.raw(16));
    const serverNonce = randomBytes(16);
    this.#state = { step: "pq", nonce, serverNonce };
    return new TlWriter(96).int(RES_PQ).raw(nonce).raw(serverNonce).bytes(PQ).longs([this.#rsa.fingerprint]).finish();
  }

  #dhParams(reader: TlReader, now: number): Buffer {
    const state = this.#state;
    if (state.step !== "pq") throw new TransportError("req_DH_params out of turn");
    expectNonces(reader, state);
    if (!reader.bytes().equals(P) || !reader.bytes().equals(Q)) throw new TransportError("wrong factors");
    if (reader.long() !== this.#rsa.fingerprint) throw new TransportError("unknown fingerprint");
    const inner = new TlReader(unpadRsa(this.#rsa, reader.bytes()));
    const kind = inner.id();
    if (!inner.bytes().equals(PQ) || !inner.bytes().equals(P) || !inner.bytes().equals(Q))
      throw new TransportError("wrong factors inside");
    expectNonces(inner, state);
    const newNonce = Buffer.from(inner.raw(32));
    const answer = new TlWriter(720).int(SERVER_DH_PARAMS_OK).raw(state.nonce).raw(state.serverNonce);
    if (kind !== P_Q_INNER_DATA && kind !== P_Q_INNER_DATA_DC) {
      // Temporary keys (perfect forward secrecy) are not served.
      this.#state = { step: "start" };
      return answer.patchInt(0, SERVER_DH_PARAMS_FAIL).raw(sha1(newNonce).subarray(4, 20)).finish();
    }
    // Test data centers count from 10,000, those for media below zero.
    if (kind === P_Q_INNER_DATA_DC && Math.abs(inner.int()) % 10_000 !== this.#dcId)
      throw new TransportError("meant for another data center", -444);
    const aes = temporaryAes(newNonce, state.serverNonce);
    this.#state = { ...state, step: "dh", newNonce, aes };
    return answer.bytes(encryptIge(aes.key, aes.iv, this.#serverInnerData(state, now))).finish();
  }

  #serverInnerData(state: { nonce: Buffer; serverNonce: Buffer }, now: number): Buffer {
    const inner = new TlWriter(640)
      .int(SERVER_DH_INNER_DATA)
      .raw(state.nonce)
      .raw(state.serverNonce)
      .int(this.#dh.generator)
      .bytes(this.#dh.prime)
      .bytes(this.#dh.publicValue())
      .int(Math.floor(now / 1000))
      .finish();
    const padding = (16 - ((20 + inner.length) % 16)) % 16;
    return Buffer.concat([sha1(inner), inner, randomBytes(padding)]);
  }

  #clientDhParams(reader: TlReader): Buffer {
    const state = this.#state;
    if (state.step !== "dh") throw new TransportError("set_client_DH_params out of turn");
    expectNonces(reader, state);
    const encrypted = reader.bytes();
    if (encrypted.length === 0 || encrypted.length % 16 !== 0) throw new TransportError("not whole blocks");
    const plain = decryptIge(state.aes.key, state.aes.iv, encrypted);
    const inner = new TlReader(plain, 20);
    if (inner.id() !== CLIENT_DH_INNER_DATA) throw new TransportError("not client_DH_inner_data");
    expectNonces(inner, state);
    inner.long();
    const clientValue = inner.bytes();
    if (!plain.subarray(0, 20).equals(sha1(plain.subarray(20, inner.offset))))
      throw new TransportError("wrong hash of client_DH_inner_data");
    const answer = (id: number, number: number, key: Buffer) =>
      new TlWriter(56)
        .int(id)
        .raw(state.nonce)
        .raw(state.serverNonce)
        .raw(newNonceHash(state.newNonce, number, key))
        .finish();
    let key: Buffer;
    try {
      key = this.#dh.secret(clientValue);
    } catch {
      this.#state = { step: "start" };
      return answer(DH_GEN_FAIL, 3, Buffer.alloc(256));
    }
    // Clients differ in whether they keep leading zeros of g^ab, so such a key would not be the same on both sides.
    // The hash is that of those who strip them, as both clients that we know do.
    const zeros = key.findIndex((byte) => byte !== 0);
    if (zeros !== 0) return answer(DH_GEN_RETRY, 2, key.subarray(zeros));
    this.#state = { step: "start" };
    this.#agreed({ key, salt: state.newNonce.readBigInt64LE(0) ^ state.serverNonce.readBigInt64LE(0) });
    return answer(DH_GEN_OK, 1, key);
  }
}

function expectNonces(reader: TlReader, state: { nonce: Buffer; serverNonce: Buffer }): void {
  if (!reader.raw(16).equals(state.nonce) || !reader.raw(16).equals(state.serverNonce))
    throw new TransportError("wrong nonce");
}

/**
 * RSA_PAD (core.telegram.org/mtproto/auth_key, 4.1): a temporary AES key, hidden by the hash of what it encrypts, and
 * the data reversed before its hash.
 */
function unpadRsa(rsa: RsaKey, encrypted: Buffer): Buffer {
  if (encrypted.length !== 256) throw new TransportError("encrypted_data of a wrong length");
  let block: Buffer;
  try {
    block = rsa.decrypt(encrypted);
  } catch {
    throw new TransportError("encrypted_data above the modulus");
  }
  const hidden = block.subarray(32);
  const key = sha256(hidden);
  for (let at = 0; at < 32; at++) key[at] = key[at]! ^ block[at]!;
  const padded = decryptIge(key, Buffer.alloc(32), hidden);
  const data = Buffer.from(padded.subarray(0, 192)).reverse();
  if (!sha256(key, data).equals(padded.subarray(192))) throw new TransportError("wrong RSA padding");
  return data;
}

function temporaryAes(newNonce: Buffer, serverNonce: Buffer): TemporaryAes {
  const newServer = sha1(newNonce, serverNonce);
  const serverNew = sha1(serverNonce, newNonce);
  return {
    key: Buffer.concat([newServer, serverNew.subarray(0, 12)]),
    iv: Buffer.concat([serverNew.subarray(12, 20), sha1(newNonce, newNonce), newNonce.subarray(0, 4)]),
  };
}

function newNonceHash(newNonce: Buffer, number: number, key: Buffer): Buffer {
  return sha1(newNonce, Buffer.from([number]), sha1(key).subarray(0, 8)).subarray(4, 20);
}

function sha1(...parts: Buffer[]): Buffer {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
