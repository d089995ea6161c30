import { createCipheriv, createDecipheriv } from "node:crypto";
import type { ArchiveKey } from "./header.ts";
import { ArchiveRefused } from "./refused.ts";

/** How much of the content is sealed at a time: what is read and written holds no more in memory. */
export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;
/** Before each chunk: its clear length, and in the highest bit whether it is the last. */
export const LENGTH_BYTES = 4;
const LAST = 0x8000_0000;

/** Where a chunk stands: its number from 0, and whether nothing follows. */
export interface Place {
  readonly number: number;
  readonly last: boolean;
}

/** AES-256-GCM. The number is the nonce: the key is this archive's alone. */
export function sealChunk(key: ArchiveKey, place: Place, clear: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key.key, nonce(place)).setAAD(associated(key, place));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(place.last ? (clear.length | LAST) >>> 0 : clear.length);
  return Buffer.concat([length, cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

/** @throws ArchiveRefused where no chunk is that long */
export function readLength(bytes: Buffer): { length: number; last: boolean } {
  const word = bytes.readUInt32BE();
  const length = word & 0x7fff_ffff;
  if (length > CHUNK_BYTES) throw altered();
  return { length, last: word >= LAST };
}

/**
 * @param sealed ciphertext and tag
 * @throws ArchiveRefused where a bit of it, or its place, is another than it was
 */
export function openChunk(key: ArchiveKey, place: Place, sealed: Buffer): Buffer {
  const body = sealed.subarray(0, -TAG_BYTES);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key.key, nonce(place), { authTagLength: TAG_BYTES })
      .setAAD(associated(key, place))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch (error) {
    throw altered(error);
  }
}

export const altered = (cause?: unknown) =>
  new ArchiveRefused(
    "altered",
    "the archive was altered, or is damaged: nothing of it is used; take another copy of it",
    {
      cause,
    },
  );

function nonce({ number }: Place): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(number), 4);
  return bytes;
}

function associated({ header }: ArchiveKey, { number, last }: Place): Buffer {
  const place = Buffer.alloc(9);
  place.writeBigUInt64BE(BigInt(number));
  place.writeUInt8(last ? 1 : 0, 8);
  return Buffer.concat([header, place]);
}
