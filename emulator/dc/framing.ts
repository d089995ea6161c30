import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ByteQueue } from "./byte-queue.ts";

/** Larger than any message that Telegram takes (a container of 1 MiB), small enough to be no danger. */
const MAX_FRAME_BYTES = 2 * 1024 * 1024;

/** Bytes that are no frame: the connection is closed. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** How messages are cut out of a stream (core.telegram.org/mtproto/mtproto-transports). */
export interface Framing {
  readonly name: "full" | "abridged" | "intermediate" | "padded intermediate";
  /** The next message, or null until more bytes are there. @throws FrameError */
  read(queue: ByteQueue): Buffer | null;
  /** The pieces of a frame around `payload`. */
  write(payload: Buffer): Buffer[];
}

/** Length, sequence number, payload, CRC-32 of all three: what GramJS speaks unless told otherwise. */
export function fullFraming(): Framing {
  let received = 0;
  let sent = 0;
  return {
    name: "full",
    read(queue) {
      if (queue.length < 4) return null;
      const length = queue.peek(4).readInt32LE(0);
      if (length < 16 || length % 4 !== 0) throw new FrameError(`a full frame of ${length} bytes`);
      checkLimit(length);
      if (queue.length < length) return null;
      const frame = queue.take(length);
      if (frame.readInt32LE(4) !== received) throw new FrameError("full frame out of sequence");
      if (frame.readUInt32LE(length - 4) !== crc32(frame.subarray(0, length - 4))) throw new FrameError("wrong CRC");
      received += 1;
      return frame.subarray(8, length - 4);
    },
    write(payload) {
      const head = Buffer.allocUnsafe(8);
      head.writeInt32LE(payload.length + 12, 0);
      head.writeInt32LE(sent, 4);
      sent += 1;
      const tail = Buffer.allocUnsafe(4);
      tail.writeUInt32LE(crc32(payload, crc32(head)), 0);
      return [head, payload, tail];
    },
  };
}

/** Length in words in one byte, or in three after 0x7f. The top bit asks for a quick ack, which we never give. */
export function abridgedFraming(): Framing {
  return {
    name: "abridged",
    read(queue) {
      if (queue.length < 1) return null;
      let headBytes = 1;
      let words = queue.peek(1)[0]! & 0x7f;
      if (words === 0x7f) {
        headBytes = 4;
        if (queue.length < headBytes) return null;
        words = queue.peek(4).readUIntLE(1, 3);
      }
      const length = words * 4;
      if (length === 0) throw new FrameError("an empty frame");
      checkLimit(length);
      if (queue.length < headBytes + length) return null;
      queue.take(headBytes);
      return queue.take(length);
    },
    write(payload) {
      const words = payload.length / 4;
      if (words < 0x7f) return [Buffer.from([words]), payload];
      const head = Buffer.from([0x7f, 0, 0, 0]);
      head.writeUIntLE(words, 1, 3);
      return [head, payload];
    },
  };
}

/** Length in four bytes. The padded form carries up to 15 random bytes behind the payload. */
export function intermediateFraming(padded: boolean): Framing {
  return {
    name: padded ? "padded intermediate" : "intermediate",
    read(queue) {
      if (queue.length < 4) return null;
      const length = queue.peek(4).readUInt32LE(0) & 0x7fffffff;
      if (length < 4 || (!padded && length % 4 !== 0)) throw new FrameError(`a frame of ${length} bytes`);
      checkLimit(length);
      if (queue.length < 4 + length) return null;
      queue.take(4);
      const frame = queue.take(length);
      return padded ? withoutPadding(frame) : frame;
    },
    write(payload) {
      // Transport errors, of four bytes, are known by their length.
      const padding = padded && payload.length > 4 ? randomBytes(randomBytes(1)[0]! & 0x0f) : Buffer.alloc(0);
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32LE(payload.length + padding.length, 0);
      return [head, payload, padding];
    },
  };
}

/** The true length is told by what is inside: unencrypted messages name it, encrypted ones are whole blocks. */
function withoutPadding(frame: Buffer): Buffer {
  if (frame.length < 24) return frame;
  if (frame.readBigInt64LE(0) === 0n) {
    const length = 20 + frame.readInt32LE(16);
    return length > 20 && length <= frame.length ? frame.subarray(0, length) : frame;
  }
  return frame.subarray(0, frame.length - ((frame.length - 24) % 16));
}

function checkLimit(length: number): void {
  if (length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes`);
}
