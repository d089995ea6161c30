import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { keyIdOf, sealServerMessage } from "../../emulator/dc/message-cipher.ts";
import { openServerMessage } from "../../telegram/gramjs/open-message.ts";

const key = randomBytes(256);
const message = (body: Buffer) => ({ salt: 1n, sessionId: 2n, msgId: -3n, seqNo: 5, body });
const seal = (body: Buffer, as = key) => sealServerMessage(as, keyIdOf(as), message(body));
const words = fc.array(fc.integer(), { minLength: 1, maxLength: 64 }).map((each) => {
  const bytes = Buffer.alloc(each.length * 4);
  for (const [at, word] of each.entries()) bytes.writeInt32LE(word, at * 4);
  return bytes;
});

it("gives what was sealed, without its padding", () => {
  fc.assert(
    fc.property(words, (body) => {
      expect(openServerMessage(key, seal(body))).toEqual({ msgId: -3n, seqNo: 5, body });
    }),
  );
});

it("opens nothing that was changed, cut, or sealed by another key", () => {
  const frame = seal(Buffer.alloc(64, 7));
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(frame);
      changed[at]! ^= change;
      expect(() => openServerMessage(key, changed)).toThrow();
      expect(() => openServerMessage(key, frame.subarray(0, at))).toThrow();
    }),
  );
  expect(() => openServerMessage(key, seal(Buffer.alloc(4), randomBytes(256)))).toThrow("another key");
  expect(() => openServerMessage(Buffer.alloc(0), frame)).toThrow("another key");
});

it("refuses lengths that do not fit, whoever sealed them", () => {
  for (const length of [0, 3, 6]) expect(() => openServerMessage(key, seal(Buffer.alloc(length)))).toThrow();
});
