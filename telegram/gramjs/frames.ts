import { crc32 } from "node:zlib";
import { InvalidBufferError, InvalidChecksumError } from "telegram/errors/Common.js";

/** A container has 1 MiB at most (core.telegram.org/mtproto/service_messages#containers); files, with more, we never ask for. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Length and sequence number. */
const HEAD_BYTES = 8;
const CHECKSUM_BYTES = 4;
/** Around at least a transport error of four bytes. */
const MIN_FRAME_BYTES = HEAD_BYTES + 4 + CHECKSUM_BYTES;

/** Frames of MTProto's full transport (core.telegram.org/mtproto/mtproto-transports#full): numbered from 0 on each connection. */
export function frameOf(payload: Buffer, sequence: number): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + payload.length + CHECKSUM_BYTES);
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(sequence, 4);
  payload.copy(frame, HEAD_BYTES);
  const end = frame.length - CHECKSUM_BYTES;
  frame.writeUInt32LE(crc32(frame.subarray(0, end)), end);
  return frame;
}

/** Cuts what arrives, in whatever pieces, into frames. It keeps one frame that is not whole yet, and what it was given. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;

  /** Bytes that were given and not taken yet. */
  get buffered(): number {
    return this.#buffered;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * The payload of the next frame; null until all of it is there.
   *
   * @throws where what comes next is no frame: nothing after it can be read either
   */
  next(): Buffer | null {
    if (this.#buffered < HEAD_BYTES) return null;
    const length = this.#joined(HEAD_BYTES).readInt32LE(0);
    // Telegram's way of saying an error without a frame: the same number follows again.
    if (length < 0) throw new InvalidBufferError(this.#joined(HEAD_BYTES).subarray(0, 4));
    if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES || length % 4 !== 0)
      throw new Error(`a frame of ${length} bytes`);
    if (this.#buffered < length) return null;
    const frame = this.#take(length);
    const end = length - CHECKSUM_BYTES;
    const [said, is] = [frame.readUInt32LE(end), crc32(frame.subarray(0, end))];
    if (said !== is) throw new InvalidChecksumError(said, is);
    return frame.subarray(HEAD_BYTES, end);
  }

  /** The first piece, made to hold at least so many bytes, which are there. */
  #joined(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= bytes) return first;
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  #take(bytes: number): Buffer {
    const first = this.#joined(bytes);
    if (first.length === bytes) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(bytes);
    this.#buffered -= bytes;
    return first.subarray(0, bytes);
  }
}
