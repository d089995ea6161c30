import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** The module, not its export: the faster cipher is put there later (codec/fast-codec). */
const cipher = createRequire(import.meta.url)("telegram/crypto/IGE.js") as {
  IGE: new (key: Buffer, iv: Buffer) => { decryptIge(bytes: Buffer): Buffer };
};

/** auth_key_id and msg_key. */
const ENVELOPE_BYTES = 24;
/** salt, session_id, msg_id, seq_no, length. */
const HEADER_BYTES = 32;
const MIN_PADDING = 12;
const MAX_PADDING = 1024;

export interface ServerMessage {
  readonly msgId: bigint;
  readonly seqNo: number;
  /** As long as the message says, without the padding behind it: what is cut short cannot be read on into that. */
  readonly body: Buffer;
}

/**
 * Opens an encrypted message of a data center, with all checks of core.telegram.org/mtproto/security_guidelines that
 * need its key alone.
 *
 * @throws where another key sealed it, its bytes were changed, or its lengths do not fit
 */
export function openServerMessage(key: Buffer, frame: Buffer): ServerMessage {
  const encrypted = frame.subarray(ENVELOPE_BYTES);
  if (encrypted.length < HEADER_BYTES + 16 || encrypted.length % 16 !== 0)
    throw new Error(`an encrypted message of ${encrypted.length} bytes`);
  const keyId = createHash("sha1").update(key).digest().subarray(12);
  if (!keyId.equals(frame.subarray(0, 8))) throw new Error("a message under another key");
  const msgKey = frame.subarray(8, ENVELOPE_BYTES);
  const a = sha256(msgKey, key.subarray(8, 44));
  const b = sha256(key.subarray(48, 84), msgKey);
  const aesKey = Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)]);
  const iv = Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)]);
  const plain = new cipher.IGE(aesKey, iv).decryptIge(encrypted);
  if (!sha256(key.subarray(96, 128), plain).subarray(8, 24).equals(msgKey)) throw new Error("a forged message");
  const length = plain.readInt32LE(28);
  const padding = plain.length - HEADER_BYTES - length;
  if (length < 4 || length % 4 !== 0 || padding < MIN_PADDING || padding > MAX_PADDING)
    throw new Error(`a message of ${length} bytes in ${plain.length}`);
  return {
    msgId: plain.readBigInt64LE(16),
    seqNo: plain.readInt32LE(24),
    body: plain.subarray(HEADER_BYTES, HEADER_BYTES + length),
  };
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
