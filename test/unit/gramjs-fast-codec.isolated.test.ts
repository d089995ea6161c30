import { createRequire } from "node:module";
import bigInt from "big-integer";
import fc from "fast-check";
import { Api } from "telegram";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { readBigIntFromBuffer, toSignedLittleBuffer } from "telegram/Helpers.js";
import { expect, test, vi } from "vitest";
import type { Log } from "../../runtime/log.ts";
import { silentLog } from "../../runtime/log.ts";
import { wasmAesIge } from "../../telegram/gramjs/codec/aes-ige.ts";
import { install, useFastCodec } from "../../telegram/gramjs/codec/fast-codec.ts";
import { nativeIntegers } from "../../telegram/gramjs/codec/native-integers.ts";
import type { ModulePatch, Patch } from "../../telegram/gramjs/codec/patch.ts";

const gramjs = createRequire(import.meta.url);
const original = { readBigIntFromBuffer, toSignedLittleBuffer };
const native = nativeIntegers.make(original);
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Buffer.from(each));
const edges = ["0000000000000000", "ffffffffffffffff", "0000000000000080", "8000000000000000", "7fffffffffffffff"];
const long = fc.oneof(bytes(8), fc.constantFrom(...edges.map((hex) => Buffer.from(hex, "hex"))));

test("reads numbers as GramJS does, in both orders, signed and not", () => {
  fc.assert(
    fc.property(fc.oneof(long, bytes(16), bytes(20)), fc.boolean(), fc.boolean(), (buffer, little, signed) => {
      const [ours, theirs] = [native, original].map((each) => each.readBigIntFromBuffer(buffer, little, signed));
      expect(ours?.toString()).toBe(theirs?.toString());
    }),
  );
});

test("writes numbers as GramJS does, what is negative and what is too long too", () => {
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

test("ciphers what is no whole block, and refuses to decipher it", () => {
  const theirs = gramjs(wasmAesIge.module);
  const { IGE } = wasmAesIge.make(theirs);
  const [key, iv] = [Buffer.alloc(32, 7), Buffer.alloc(32, 9)];
  const plain = Buffer.from("seventeen letters");
  const cipher = new IGE(key, iv).encryptIge(plain);
  expect(cipher).toHaveLength(32);
  expect(new theirs.IGE(key, iv).decryptIge(cipher).subarray(0, plain.length)).toEqual(plain);
  expect(() => new IGE(key, iv).decryptIge(cipher.subarray(1))).toThrow("no whole blocks");
});

test.each([nativeIntegers, wasmAesIge] as unknown as ModulePatch[])("$name: fits this GramJS", (patch) => {
  const exports = { ...gramjs(patch.module) };
  const log = { ...silentLog, warn: vi.fn() };
  expect(install(patch, exports, log as unknown as Log, 50)).toBe(true);
  expect(log.warn).not.toHaveBeenCalled();
  const ours = patch.make(gramjs(patch.module));
  for (const name of Object.keys(ours)) expect(exports[name]).not.toBe(gramjs(patch.module)[name]);
});

test("leaves a patch out that does not fit, and says so", () => {
  const theirs = { readBigIntFromBuffer: () => bigInt(1), toSignedLittleBuffer: () => Buffer.alloc(8) };
  const exports = { ...theirs };
  const log = { ...silentLog, warn: vi.fn() };
  expect(install(nativeIntegers as unknown as Patch, exports, log as unknown as Log)).toBe(false);
  expect(exports).toEqual(theirs);
  expect(log.warn).toHaveBeenCalledOnce();
});

test("GramJS uses them, and reads what it has written", () => {
  useFastCodec(silentLog);
  useFastCodec(silentLog);
  const inUse = gramjs("telegram/Helpers.js") as typeof original;
  expect(inUse.readBigIntFromBuffer).not.toBe(original.readBigIntFromBuffer);
  expect(inUse.toSignedLittleBuffer).not.toBe(original.toSignedLittleBuffer);
  const id = -6_917_529_027_641_081_857n;
  const request = new Api.InputPeerChannel({ channelId: bigInt(1), accessHash: bigInt(id) });
  const read = new BinaryReader(request.getBytes()).tgReadObject() as Api.InputPeerChannel;
  expect(read.accessHash.toString()).toBe(id.toString());
});
