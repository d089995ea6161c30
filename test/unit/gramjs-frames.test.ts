import { randomBytes } from "node:crypto";
import fc from "fast-check";
import "telegram";
import { FullPacketCodec } from "telegram/network/connection/TCPFull.js";
import { expect, it } from "vitest";
import { FrameReader, frameOf, MAX_FRAME_BYTES } from "../../telegram/gramjs/frames.ts";

const payloadOf = (words: number) => randomBytes(4 * words);

function read(...chunks: readonly Buffer[]): Buffer[] {
  const reader = new FrameReader();
  const payloads: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let payload = reader.next(); payload; payload = reader.next()) payloads.push(payload);
  }
  expect(reader.buffered).toBeLessThan(MAX_FRAME_BYTES);
  return payloads;
}

/** `bytes` in the pieces that end at `cuts`. */
const cutAt = (bytes: Buffer, cuts: readonly number[]) => {
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
};

it("are written as GramJS writes them, and numbered", () => {
  const theirs = new FullPacketCodec(null as never);
  for (const [sequence, words] of [1, 6, 300, 20_000].entries()) {
    const payload = payloadOf(words);
    expect(frameOf(payload, sequence).equals(theirs.encodePacket(payload))).toBe(true);
  }
});

it("are read as they were written, whatever pieces they come in", () => {
  const frames = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 12 }), (sizes, cuts) => {
      const payloads = sizes.map(payloadOf);
      const bytes = Buffer.concat(payloads.map(frameOf));
      expect(read(...cutAt(bytes, cuts))).toEqual(payloads);
    }),
  );
});

it.each([0, 4, 12, 17, MAX_FRAME_BYTES + 4, 0x7ffffffc])("of %i bytes is not waited for", (length) => {
  const head = Buffer.alloc(8);
  head.writeInt32LE(length);
  expect(() => read(head)).toThrow(`a frame of ${length} bytes`);
});

it("that are an error of Telegram's, and no frame, are one", () => {
  const error = Buffer.alloc(8);
  error.writeInt32LE(-429, 0);
  error.writeInt32LE(-429, 4);
  expect(() => read(error)).toThrow(/429/);
});

it("whose checksum is wrong are refused", () => {
  const bytes = frameOf(Buffer.alloc(16), 0);
  bytes[10]! ^= 1;
  expect(() => read(bytes)).toThrow(/Invalid checksum/);
});
