import { createHash, randomBytes } from "node:crypto";
import { decryptIge, encryptIge } from "./aes-ige.ts";

/** auth_key_id and msg_key. */
export const ENVELOPE_BYTES = 24;
/** salt, session_id, msg_id, seq_no, length. */
export const HEADER_BYTES = 32;
const MIN_PADDING = 12;
const MAX_PADDING = 1024;

/** What one encrypted message from a client said. */
export interface ClientMessage {
  readonly salt: bigint;
  readonly sessionId: bigint;
  readonly msgId: bigint;
  readonly seqNo: number;
  readonly body: Buffer;
}

/**
 * Opens a client's message (core.telegram.org/mtproto/description, version 2.0). Null where the msg_key or the lengths
 * do not fit: such a message is not to be believed in any part.
 *
 * @param frame auth_key_id, msg_key, encrypted data
 */
export function openClientMessage(key: Buffer, frame: Buffer): ClientMessage | null {
  const encrypted = frame.subarray(ENVELOPE_BYTES);
  if (encrypted.length < HEADER_BYTES + 16 || encrypted.length % 16 !== 0) return null;
  const msgKey = frame.subarray(8, ENVELOPE_BYTES);
  const aes = aesOf(key, msgKey, 0);
  const plain = decryptIge(aes.key, aes.iv, encrypted);
  if (!msgKeyOf(key, plain, 88).equals(msgKey)) return null;
  const length = plain.readInt32LE(28);
  const padding = plain.length - HEADER_BYTES - length;
  if (length < 4 || length % 4 !== 0 || padding < MIN_PADDING || padding > MAX_PADDING) return null;
  return {
    salt: plain.readBigInt64LE(0),
    sessionId: plain.readBigInt64LE(8),
    msgId: plain.readBigInt64LE(16),
    seqNo: plain.readInt32LE(24),
    body: plain.subarray(HEADER_BYTES, HEADER_BYTES + length),
  };
}

/** Encrypts a message to a client: auth_key_id, msg_key and encrypted data. */
export function sealServerMessage(
  key: Buffer,
  keyId: bigint,
  message: {
    readonly salt: bigint;
    readonly sessionId: bigint;
    readonly msgId: bigint;
    readonly seqNo: number;
    readonly body: Buffer;
  },
): Buffer {
  const length = HEADER_BYTES + message.body.length;
  const padding = MIN_PADDING + ((16 - ((length + MIN_PADDING) % 16)) % 16);
  const plain = Buffer.allocUnsafeSlow(length + padding);
  plain.writeBigInt64LE(message.salt, 0);
  plain.writeBigInt64LE(message.sessionId, 8);
  plain.writeBigInt64LE(message.msgId, 16);
  plain.writeInt32LE(message.seqNo, 24);
  plain.writeInt32LE(message.body.length, 28);
  plain.set(message.body, HEADER_BYTES);
  plain.set(randomBytes(padding), length);
  const msgKey = msgKeyOf(key, plain, 96);
  const aes = aesOf(key, msgKey, 8);
  const keyIdBytes = Buffer.allocUnsafe(8);
  keyIdBytes.writeBigInt64LE(keyId);
  return Buffer.concat([keyIdBytes, msgKey, encryptIge(aes.key, aes.iv, plain)]);
}

/** The key's name on the wire: the low 64 bits of its SHA-1, signed. */
export function keyIdOf(key: Buffer): bigint {
  return createHash("sha1").update(key).digest().readBigInt64LE(12);
}

function msgKeyOf(key: Buffer, plain: Buffer, at: 88 | 96): Buffer {
  return createHash("sha256")
    .update(key.subarray(at, at + 32))
    .update(plain)
    .digest()
    .subarray(8, 24);
}

/** `x` is 0 from client to server, 8 the other way. */
function aesOf(key: Buffer, msgKey: Buffer, x: 0 | 8): { key: Buffer; iv: Buffer } {
  const a = createHash("sha256")
    .update(msgKey)
    .update(key.subarray(x, x + 36))
    .digest();
  const b = createHash("sha256")
    .update(key.subarray(40 + x, 76 + x))
    .update(msgKey)
    .digest();
  return {
    key: Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)]),
    iv: Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)]),
  };
}
