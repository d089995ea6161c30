import { createRequire } from "node:module";
import bigInt from "big-integer";
import fc from "fast-check";
import { Api } from "telegram";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { readBigIntFromBuffer, toSignedLittleBuffer } from "telegram/Helpers.js";
import { expect, test } from "vitest";
import { nativeIntegers, useNativeIntegers } from "../../telegram/gramjs/native-integers.ts";

const original = { readBigIntFromBuffer, toSignedLittleBuffer };
const native = nativeIntegers(original);
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Buffer.from(each));
const edges = ["0000000000000000", "ffffffffffffffff", "0000000000000080", "8000000000000000", "7fffffffffffffff"];
const long = fc.oneof(bytes(8), fc.constantFrom(...edges.map((hex) => Buffer.from(hex, "hex"))));

test("reads as GramJS does, in both orders, signed and not", () => {
  fc.assert(
    fc.property(fc.oneof(long, bytes(16), bytes(20)), fc.boolean(), fc.boolean(), (buffer, little, signed) => {
      const [ours, theirs] = [native, original].map((each) => each.readBigIntFromBuffer(buffer, little, signed));
      expect(ours?.toString()).toBe(theirs?.toString());
    }),
  );
});

test("writes as GramJS does, what is negative and what is too long too", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.constantFrom(undefined, 8, 32),
      (value, length) => {
        for (const big of [bigInt(value), value.toString()]) {
          const [ours, theirs] = [native, original].map((each) => each.toSignedLittleBuffer(big, length));
          expect(ours).toEqual(theirs);
        }
      },
    ),
  );
});

test("GramJS uses them, and reads what it has written", () => {
  useNativeIntegers();
  useNativeIntegers();
  const inUse = createRequire(import.meta.url)("telegram/Helpers.js") as typeof original;
  expect(inUse.readBigIntFromBuffer).not.toBe(original.readBigIntFromBuffer);
  expect(inUse.toSignedLittleBuffer).not.toBe(original.toSignedLittleBuffer);
  const id = -6_917_529_027_641_081_857n;
  const request = new Api.InputPeerChannel({ channelId: bigInt(1), accessHash: bigInt(id) });
  const read = new BinaryReader(request.getBytes()).tgReadObject() as Api.InputPeerChannel;
  expect(read.accessHash.toString()).toBe(id.toString());
});
