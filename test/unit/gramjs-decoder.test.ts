import { createRequire } from "node:module";
import fc from "fast-check";
import { Api } from "telegram";
import { TypeNotFoundError } from "telegram/errors/Common.js";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { beforeAll, describe, expect, it } from "vitest";
import { TlWriter } from "../../emulator/tl/primitives.ts";
import { createDecoder, type Decoder } from "../../telegram/gramjs/codec/decoder.ts";
import { DECODED_ANSWERS } from "../../telegram/gramjs/codec/kept-fields.ts";
import { isPartOf } from "../../telegram/gramjs/codec/message-decoder.ts";
import { randomAnswer } from "../../telegram/gramjs/codec/random-answer.ts";
import { gramJsSchema, type Schema } from "../../telegram/gramjs/codec/schema.ts";
import { toChannelInfo, toMe } from "../../telegram/gramjs/to-channel.ts";
import { toDifference } from "../../telegram/gramjs/to-difference.ts";
import { toMessages } from "../../telegram/gramjs/to-message.ts";

/* Our reading of answers against GramJS's, of the same bytes. */

const CHANNEL = 1_500_000_001n;
const VECTOR = 0x1cb5c415;
const SIZE = { objects: 120, levels: 7 };

let schema: Schema;
let decoder: Decoder;
beforeAll(() => {
  schema = gramJsSchema();
  decoder = createDecoder(schema);
});

const seeds = fc.integer();
const theirs = (bytes: Buffer): unknown => new BinaryReader(bytes).tgReadObject();
/** What comes of it: a value, or that it throws. */
function attempt<T>(work: () => T): { value: T } | { threw: true } {
  try {
    return { value: work() };
  } catch {
    return { threw: true };
  }
}

it("knows every constructor as GramJS's own parser does", () => {
  const gramjs = createRequire(import.meta.url);
  const { parseTl } = gramjs("telegram/tl/generationHelpers.js");
  let compared = 0;
  for (const line of parseTl(gramjs("telegram/tl/apiTl.js"), 0)) {
    if (line.isFunction) continue;
    const fields = Object.entries<Record<string, unknown>>(line.argsConfig).map(([name, field]) => ({
      name,
      type: field.type ?? "#",
      vector: field.isVector,
      bit: field.isFlag ? { flags: field.flagName, index: field.flagIndex } : null,
    }));
    const className = line.namespace ? `${line.namespace}.${line.name}` : line.name;
    expect(schema.constructorOf(line.constructorId)).toEqual({
      ...{ id: line.constructorId, className, type: line.result, fields },
    });
    compared += 1;
  }
  expect(compared).toBeGreaterThan(1_300);
});

describe.each(DECODED_ANSWERS)("%s", (className) => {
  it("is read as GramJS reads it", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const bytes = randomAnswer(schema, className, SIZE, mulberry32(seed));
        const answer = /^User/.test(className)
          ? Buffer.concat([new TlWriter().int(VECTOR).int(1).finish(), bytes])
          : bytes;
        expect(decoder.knows(answer)).toBe(true);
        const [read, expected] = [decoder.decode(answer), theirs(answer)];
        expect(isPartOf(read, expected)).toBe(true);
        expect(Object.keys(read as object).length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it("is refused where it is cut short", () => {
    fc.assert(
      fc.property(seeds, fc.nat(), (seed, cut) => {
        const bytes = randomAnswer(schema, className, SIZE, mulberry32(seed));
        expect(() => decoder.decode(bytes.subarray(0, cut % bytes.length))).toThrow();
      }),
      { numRuns: 60 },
    );
  });
});

/* GramJS is not asked about any of these: what throws within a list leaves it reading that list as none, for good. */

it("reads garbage as something, or refuses it in one of two ways", () => {
  let refused = 0;
  fc.assert(
    fc.property(seeds, fc.nat(), fc.oneof(fc.integer(), fc.constantFrom(VECTOR, 0, 1)), (seed, place, word) => {
      const bytes = randomAnswer(schema, "messages.ChannelMessages", SIZE, mulberry32(seed));
      bytes.writeInt32LE(word, 4 + 4 * (place % (bytes.length / 4 - 1)));
      try {
        expect(decoder.decode(bytes)).toMatchObject({ className: "messages.ChannelMessages" });
      } catch (error) {
        refused += 1;
        expect(error instanceof RangeError || error instanceof TypeNotFoundError).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(50);
});

describe("what is mapped", () => {
  const mapped = (className: string, map: (answer: never) => unknown) =>
    fc.assert(
      fc.property(seeds, (seed) => {
        const bytes = randomAnswer(schema, className, SIZE, mulberry32(seed));
        const [ours, gramjs] = [decoder.decode(bytes), theirs(bytes)].map((one) => attempt(() => map(one as never)));
        expect(ours).toEqual(gramjs);
      }),
      { numRuns: 150 },
    );

  it("is the same of messages", () =>
    mapped("messages.ChannelMessages", ({ messages }: Api.messages.ChannelMessages) =>
      toMessages(CHANNEL, messages.map(addressed)),
    ));

  it("is the same of differences", () =>
    mapped("updates.ChannelDifference", (answer: Api.updates.ChannelDifference) => {
      for (const message of answer.newMessages) addressed(message);
      return toDifference(CHANNEL, answer);
    }));

  it("is the same of channels and of people", () => {
    mapped("messages.Chats", ({ chats }: Api.messages.Chats) =>
      chats.map((chat) => attempt(() => toChannelInfo(chat, "messages.getChats"))),
    );
    mapped("User", (user: Api.User) => toMe(user, "users.getUsers"));
  });

  /** As of the channel that is read: another's is skipped, and nothing of it compared. */
  function addressed<M extends Api.TypeMessage>(message: M): M {
    Object.assign(message, { peerId: { className: "PeerChannel", channelId: CHANNEL } });
    return message;
  }
});

it("says which constructor it does not know, kept or passed over", () => {
  const message = new Api.Message({ id: 7, peerId: new Api.PeerChat({ chatId: 1 as never }), date: 1, message: "" });
  const answer = (part: Partial<Api.Message>) =>
    new Api.messages.Messages({ messages: [Object.assign(message, part)], chats: [], users: [] }).getBytes();
  const unknown = { getBytes: () => Buffer.from("deadbeef", "hex") };
  for (const part of [{ media: unknown }, { replyMarkup: unknown }] as unknown as Partial<Api.Message>[]) {
    expect(() => decoder.decode(answer(part))).toThrow(TypeNotFoundError);
    Object.assign(message, { media: undefined, replyMarkup: undefined });
  }
});

it("takes no message without an id, as GramJS takes none", () => {
  const message = new Api.MessageEmpty({ id: 7 });
  message.id = 0;
  const bytes = new Api.messages.Messages({ messages: [message], chats: [], users: [] }).getBytes();
  expect(() => decoder.decode(bytes)).toThrow("a message without an id");
});

it("does not begin a list that says to be longer than its answer", () => {
  const bytes = new TlWriter().int(Api.messages.Messages.CONSTRUCTOR_ID).int(VECTOR).int(0x7fffffff).finish();
  expect(() => decoder.decode(bytes)).toThrow("a vector of 2147483647");
});

it("leaves all other answers to GramJS", () => {
  expect(decoder.knows(new Api.auth.LoggedOut({}).getBytes())).toBe(false);
  expect(decoder.knows(new TlWriter().int(VECTOR).int(1).int(7).finish())).toBe(false);
  expect(decoder.knows(Buffer.alloc(2))).toBe(false);
});

/** Numbers in [0, 1) that are the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
