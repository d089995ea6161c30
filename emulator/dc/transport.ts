import { createCipheriv, createDecipheriv } from "node:crypto";
import { ByteQueue } from "./byte-queue.ts";
import { abridgedFraming, FrameError, type Framing, fullFraming, intermediateFraming } from "./framing.ts";

const INTERMEDIATE_TAG = 0xeeeeeeee;
const PADDED_TAG = 0xdddddddd;
const ABRIDGED_TAG = 0xefefefef;
/** First bytes that no MTProto client may begin with, since they belong to other protocols. */
const FOREIGN = ["GET ", "POST", "HEAD", "OPTI", "PUT "].map((word) => Buffer.from(word).readUInt32LE(0));
const OBFUSCATION_HEADER_BYTES = 64;

interface StreamCipher {
  update(data: Buffer): Buffer;
}

/** One client's stream: finds out by its first bytes how it is cut into frames, and whether it is obfuscated. */
export class Transport {
  readonly #queue = new ByteQueue();
  #framing: Framing | null = null;
  #incoming: StreamCipher | null = null;
  #outgoing: StreamCipher | null = null;

  /** What the client speaks, null until that is known. */
  get name(): string | null {
    if (!this.#framing) return null;
    return this.#incoming ? `obfuscated ${this.#framing.name}` : this.#framing.name;
  }

  /**
   * Takes bytes as they come and gives the messages that are complete, one by one.
   *
   * @throws FrameError where the bytes are no frames
   */
  *receive(bytes: Buffer): Generator<Buffer> {
    this.#queue.push(this.#incoming ? this.#incoming.update(bytes) : bytes);
    this.#framing ??= this.#detect();
    if (!this.#framing) return;
    for (let frame = this.#framing.read(this.#queue); frame; frame = this.#framing.read(this.#queue)) yield frame;
  }

  /** The bytes that carry `message` to the client. */
  frame(message: Buffer): Buffer {
    if (!this.#framing) throw new FrameError("the client has not said how it speaks");
    const bytes = Buffer.concat(this.#framing.write(message));
    return this.#outgoing ? this.#outgoing.update(bytes) : bytes;
  }

  #detect(): Framing | null {
    const queue = this.#queue;
    if (queue.length < 1) return null;
    if (queue.peek(1)[0] === 0xef) {
      queue.take(1);
      return abridgedFraming();
    }
    if (queue.length < 4) return null;
    const word = queue.peek(4).readUInt32LE(0);
    if (word === INTERMEDIATE_TAG || word === PADDED_TAG) {
      queue.take(4);
      return intermediateFraming(word === PADDED_TAG);
    }
    if (FOREIGN.includes(word)) throw new FrameError("another protocol");
    if (queue.length < 8) return null;
    // A full frame's second word is its sequence number, and the first one's is 0; obfuscation avoids that.
    if (queue.peek(8).readUInt32LE(4) === 0) return fullFraming();
    if (queue.length < OBFUSCATION_HEADER_BYTES) return null;
    return this.#deobfuscate(Buffer.from(queue.take(OBFUSCATION_HEADER_BYTES)));
  }

  /** core.telegram.org/mtproto/mtproto-transports#transport-obfuscation */
  #deobfuscate(header: Buffer): Framing {
    const reversed = Buffer.from(header.subarray(8, 56)).reverse();
    const incoming = createDecipheriv("aes-256-ctr", header.subarray(8, 40), header.subarray(40, 56));
    const tag = incoming.update(header).readUInt32LE(56);
    const framing = framingOfTag(tag);
    this.#incoming = incoming;
    this.#outgoing = createCipheriv("aes-256-ctr", reversed.subarray(0, 32), reversed.subarray(32, 48));
    const early = this.#queue.take(this.#queue.length);
    this.#queue.push(incoming.update(early));
    return framing;
  }
}

function framingOfTag(tag: number): Framing {
  if (tag === ABRIDGED_TAG) return abridgedFraming();
  if (tag === INTERMEDIATE_TAG) return intermediateFraming(false);
  if (tag === PADDED_TAG) return intermediateFraming(true);
  throw new FrameError("neither a known transport nor an obfuscated one");
}
