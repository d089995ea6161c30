import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { crc32 } from "node:zlib";
import { decryptIge, encryptIge } from "../../emulator/dc/aes-ige.ts";
import { keyIdOf } from "../../emulator/dc/message-cipher.ts";
import { TlReader, TlWriter } from "../../emulator/tl/primitives.ts";

export type TransportName = "full" | "abridged" | "intermediate" | "padded";

/** What one message of the data center said: containers are taken apart. */
export interface ServerMessage {
  readonly msgId: bigint;
  readonly seqNo: number;
  readonly id: number;
  /** After the constructor id. */
  readonly reader: TlReader;
}

/** A client written by hand, frame by frame, so that tests can say exactly what is on the wire. */
export class DcClient {
  readonly socket: Socket;
  readonly #transport: TransportName;
  readonly #outgoing: ((bytes: Buffer) => Buffer) | null;
  readonly #incoming: ((bytes: Buffer) => Buffer) | null;
  readonly #head: Buffer;
  #started = false;
  #sent = 0;
  #buffered = Buffer.alloc(0);
  readonly #waiting: (() => void)[] = [];
  closed = false;

  constructor(port: number, transport: TransportName = "full", obfuscated = false) {
    this.#transport = transport;
    const opening = obfuscated ? obfuscation(transport) : null;
    this.#outgoing = opening?.outgoing ?? null;
    this.#incoming = opening?.incoming ?? null;
    this.#head = opening?.head ?? plainHead(transport);
    this.socket = connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    const wake = () => {
      for (const waiting of this.#waiting.splice(0)) waiting();
    };
    this.socket.on("data", (bytes: Buffer) => {
      this.#buffered = Buffer.concat([this.#buffered, this.#incoming ? this.#incoming(bytes) : bytes]);
      wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      wake();
    });
  }

  /** The bytes of a frame, with what a connection begins with before the first. */
  frame(payload: Buffer): Buffer {
    const framed = this.#outgoing ? this.#outgoing(this.#framed(payload)) : this.#framed(payload);
    const bytes = this.#started ? framed : Buffer.concat([this.#head, framed]);
    this.#started = true;
    return bytes;
  }

  send(payload: Buffer): void {
    this.socket.write(this.frame(payload));
  }

  /** The next frame's payload; null where the connection was closed before it. */
  async receive(): Promise<Buffer | null> {
    for (;;) {
      const payload = this.#takeFrame();
      if (payload) return payload;
      if (this.closed) return null;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilClosed(): Promise<void> {
    if (!this.closed) await once(this.socket, "close");
  }

  destroy(): void {
    this.socket.destroy();
  }

  #framed(payload: Buffer): Buffer {
    const words = payload.length / 4;
    if (this.#transport === "full") {
      const frame = Buffer.alloc(payload.length + 12);
      frame.writeUInt32LE(frame.length, 0);
      frame.writeUInt32LE(this.#sent++, 4);
      payload.copy(frame, 8);
      frame.writeUInt32LE(crc32(frame.subarray(0, -4)), frame.length - 4);
      return frame;
    }
    if (this.#transport === "abridged")
      return Buffer.concat([
        words < 127 ? Buffer.from([words]) : Buffer.from([127, words & 255, (words >> 8) & 255, (words >> 16) & 255]),
        payload,
      ]);
    const padding = this.#transport === "padded" ? randomBytes(words % 16) : Buffer.alloc(0);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(payload.length + padding.length);
    return Buffer.concat([length, payload, padding]);
  }

  #takeFrame(): Buffer | null {
    const have = this.#buffered;
    if (have.length < 4) return null;
    let head = 4;
    let length = have.readUInt32LE(0);
    if (this.#transport === "full") [head, length] = [8, length - 8];
    if (this.#transport === "abridged")
      [head, length] = have[0]! < 127 ? [1, have[0]! * 4] : [4, have.readUIntLE(1, 3) * 4];
    if (have.length < head + length) return null;
    const payload = have.subarray(head, head + length);
    this.#buffered = have.subarray(head + length);
    return this.#transport === "full" ? payload.subarray(0, -4) : payload;
  }
}

/** An MTProto session over a `DcClient`, with a key that both sides have. */
export class DcSession {
  readonly client: DcClient;
  readonly key: Buffer;
  readonly sessionId = randomBytes(8).readBigInt64LE();
  readonly received: ServerMessage[] = [];
  salt = 0n;
  #lastMsgId = 0n;
  #content = 0;

  constructor(client: DcClient, key: Buffer) {
    this.client = client;
    this.key = key;
  }

  nextMsgId(): bigint {
    const now = ((BigInt(Date.now()) << 32n) / 1000n) & ~3n;
    this.#lastMsgId = now > this.#lastMsgId ? now : this.#lastMsgId + 4n;
    return this.#lastMsgId;
  }

  /** Sends one message; gives its msg_id. */
  send(body: Buffer, options: { content?: boolean; msgId?: bigint; seqNo?: number } = {}): bigint {
    const msgId = options.msgId ?? this.nextMsgId();
    this.client.send(this.seal(msgId, options.seqNo ?? this.seqNo(options.content ?? true), body));
    return msgId;
  }

  /** Sends several messages in one container; gives their msg_ids. */
  sendContainer(bodies: readonly { body: Buffer; content: boolean }[]): bigint[] {
    const messages = bodies.map(({ body, content }) => ({ msgId: this.nextMsgId(), seqNo: this.seqNo(content), body }));
    const container = new TlWriter().int(0x73f1f8dc).int(messages.length);
    for (const { msgId, seqNo, body } of messages) container.long(msgId).int(seqNo).int(body.length).raw(body);
    this.client.send(this.seal(this.nextMsgId(), this.seqNo(false), container.finish()));
    return messages.map(({ msgId }) => msgId);
  }

  seqNo(content: boolean): number {
    const seqNo = this.#content * 2 + (content ? 1 : 0);
    if (content) this.#content += 1;
    return seqNo;
  }

  seal(msgId: bigint, seqNo: number, body: Buffer): Buffer {
    const head = new TlWriter(32).long(this.salt).long(this.sessionId).long(msgId).int(seqNo).int(body.length).finish();
    const padding = 12 + ((16 - ((32 + body.length + 12) % 16)) % 16);
    const plain = Buffer.concat([head, body, randomBytes(padding)]);
    const msgKey = sha256(this.key.subarray(88, 120), plain).subarray(8, 24);
    const aes = aesOf(this.key, msgKey, 0);
    const keyId = new TlWriter(8).long(keyIdOf(this.key)).finish();
    return Buffer.concat([keyId, msgKey, encryptIge(aes.key, aes.iv, plain)]);
  }

  /**
   * Reads frames until a message of this constructor comes; gives it. Takes new salts by the way, and puts what else
   * came into `received`. Null where the connection is closed before.
   */
  async until(id: number): Promise<ServerMessage | null> {
    for (;;) {
      const found = this.received.findIndex((message) => message.id === id);
      if (found !== -1) return this.received.splice(found, 1)[0]!;
      const frame = await this.client.receive();
      if (!frame) return null;
      this.received.push(...this.#open(frame));
    }
  }

  #open(frame: Buffer): ServerMessage[] {
    if (frame.length === 4) throw new Error(`transport error ${frame.readInt32LE(0)}`);
    const msgKey = frame.subarray(8, 24);
    const aes = aesOf(this.key, msgKey, 8);
    // What is beyond whole blocks is the padding of the transport.
    const encrypted = frame.subarray(24, frame.length - ((frame.length - 24) % 16));
    const plain = decryptIge(aes.key, aes.iv, encrypted);
    if (!sha256(this.key.subarray(96, 128), plain).subarray(8, 24).equals(msgKey)) throw new Error("wrong msg_key");
    const reader = new TlReader(plain, 8);
    if (reader.long() !== this.sessionId) throw new Error("another session");
    return takeApart(reader);
  }
}

/** `rpc_result`: which request it is for, and what it holds. */
export function resultOf(message: ServerMessage): { msgId: bigint; id: number; reader: TlReader } {
  const reader = new TlReader(message.reader.rest());
  return { msgId: reader.long(), id: reader.id(), reader };
}

function takeApart(reader: TlReader): ServerMessage[] {
  const msgId = reader.long();
  const seqNo = reader.int();
  const inner = new TlReader(reader.raw(reader.int()));
  const id = inner.id();
  if (id !== 0x73f1f8dc) return [{ msgId, seqNo, id, reader: inner }];
  return Array.from({ length: inner.int() }, () => takeApart(inner)).flat();
}

function plainHead(transport: TransportName): Buffer {
  return { full: Buffer.alloc(0), abridged: Buffer.from([0xef]), intermediate: tag(0xee), padded: tag(0xdd) }[
    transport
  ];
}

function tag(byte: number): Buffer {
  return Buffer.alloc(4, byte);
}

function obfuscation(transport: TransportName) {
  const header = randomBytes(64);
  header[0] = 0x42;
  header.writeUInt32LE(0x12345678, 4);
  tag({ full: 0, abridged: 0xef, intermediate: 0xee, padded: 0xdd }[transport]).copy(header, 56);
  const reversed = Buffer.from(header.subarray(8, 56)).reverse();
  const outgoing = createCipheriv("aes-256-ctr", header.subarray(8, 40), header.subarray(40, 56));
  const incoming = createCipheriv("aes-256-ctr", reversed.subarray(0, 32), reversed.subarray(32));
  const encrypted = outgoing.update(header);
  return {
    head: Buffer.concat([header.subarray(0, 56), encrypted.subarray(56)]),
    outgoing: (bytes: Buffer) => outgoing.update(bytes),
    incoming: (bytes: Buffer) => incoming.update(bytes),
  };
}

function aesOf(key: Buffer, msgKey: Buffer, x: number): { key: Buffer; iv: Buffer } {
  const a = sha256(msgKey, key.subarray(x, x + 36));
  const b = sha256(key.subarray(40 + x, 76 + x), msgKey);
  return {
    key: Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24)]),
    iv: Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24)]),
  };
}

function sha256(...parts: Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
