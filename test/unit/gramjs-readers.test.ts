import { gzipSync } from "node:zlib";
import type { Api } from "telegram";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { GZIPPacked, RPCResult } from "telegram/tl/core/index.js";
import { beforeAll, describe, expect, it } from "vitest";
import { msgContainer, pong, rpcError, rpcResult } from "../../emulator/dc/service-messages.ts";
import { TlWriter } from "../../emulator/tl/primitives.ts";
import { MAX_UNPACKED_BYTES, useStrictReaders } from "../../telegram/gramjs/readers.ts";

const REQUEST = 77n;
const packed = (bytes: Buffer) => new TlWriter().int(GZIPPacked.CONSTRUCTOR_ID).bytes(gzipSync(bytes)).finish();
const bomb = packed(Buffer.alloc(MAX_UNPACKED_BYTES + 1));
const lyingBomb = (() => {
  const bytes = gzipSync(Buffer.alloc(2 * MAX_UNPACKED_BYTES));
  bytes.writeUInt32LE(1, bytes.length - 4);
  return new TlWriter().int(GZIPPacked.CONSTRUCTOR_ID).bytes(bytes).finish();
})();
const read = (bytes: Buffer): unknown => new BinaryReader(bytes).tgReadObject();
const message = (body: Buffer, msgId = 1n) => ({ msgId, seqNo: 1, body });

/** A container whose second number, or whose first message's length, is another one. */
function containerWith({ count, length }: { count?: number; length?: number }): Buffer {
  const bytes = msgContainer([message(pong(1n, 2n)), message(pong(1n, 3n))]);
  if (count !== undefined) bytes.writeInt32LE(count, 4);
  if (length !== undefined) bytes.writeInt32LE(length, 20);
  return bytes;
}

beforeAll(() => useStrictReaders());

describe("what is packed", () => {
  it("unpacks as far as an answer may reach, and a bomb not at all", () => {
    const answer = Buffer.alloc(MAX_UNPACKED_BYTES, 7);
    expect((read(packed(answer)) as GZIPPacked).data.equals(answer)).toBe(true);
    expect(() => read(bomb)).toThrow("unpacks to too much");
    expect(() => read(lyingBomb)).toThrow(/Cannot create a Buffer larger/);
    expect(() => read(packed(packed(Buffer.alloc(8))))).toThrow("packed twice");
  });

  it("unpacks an answer to a call when its body is asked for, since nobody may wait for it", () => {
    const bodyOf = (body: Buffer) => {
      const result = read(rpcResult(REQUEST, body)) as { body: Buffer };
      expect(result).toBeInstanceOf(RPCResult);
      return () => result.body;
    };
    const plain = pong(1n, 2n);
    expect(bodyOf(plain)().equals(plain)).toBe(true);
    expect(bodyOf(packed(plain))().equals(plain)).toBe(true);
    expect(bodyOf(bomb)).toThrow("unpacks to too much");
  });

  it("reads an error as GramJS does", () => {
    const result = read(rpcResult(REQUEST, rpcError(400, "CHANNEL_INVALID"))) as { error: Api.RpcError };
    expect(result.error).toMatchObject({ errorCode: 400, errorMessage: "CHANNEL_INVALID" });
  });
});

describe("a container", () => {
  it("gives its messages, without what our layer does not know", () => {
    const unknown = new TlWriter().int(0x12345678).int(0).finish();
    const bytes = msgContainer([message(pong(1n, 2n)), message(unknown), message(pong(1n, 3n), 5n)]);
    const { messages } = read(bytes) as { messages: { msgId: unknown; obj: Api.Pong }[] };
    expect(messages.map(({ msgId, obj }) => [String(msgId), String(obj.pingId)])).toEqual([
      ["1", "2"],
      ["5", "3"],
    ]);
  });

  it.each([
    [{ count: -1 }],
    [{ count: 0x7fffffff }],
    [{ count: 3 }],
    [{ length: 0 }],
    [{ length: 6 }],
    [{ length: 0x7ffffffc }],
    // GramJS goes back by it, and reads the same message again until the memory is full.
    [{ length: -36, count: 0x7fffffff }],
  ])("is refused with %o", (wrong) => {
    expect(() => read(containerWith(wrong))).toThrow();
  });

  it("throws at once what cannot be read in it, where GramJS leaves a rejection without anybody", () => {
    expect(() => read(msgContainer([message(bomb), message(bomb)]))).toThrow("unpacks to too much");
    expect(() => read(msgContainer([message(containerWith({}))]))).toThrow("a container in a container");
  });
});
