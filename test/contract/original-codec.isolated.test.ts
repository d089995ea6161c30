import { afterAll, expect, it } from "vitest";
import { answers } from "../../telegram/gramjs/answers.ts";
import { keepOriginalCodec, useFastCodec } from "../../telegram/gramjs/codec/fast-codec.ts";

/*
 * GRAMJS_FAST_CODEC=off: what TelegramApi promises holds with GramJS's own codec, too. The same tests, in a process
 * of their own.
 */

const readByGramJs = answers.read;
keepOriginalCodec();
await import("./telegram-api.test.ts");
await import("../integration/gramjs-unreadable.test.ts");
await import("../integration/gramjs-connection.test.ts");
await import("../integration/hostile-posts.test.ts");

afterAll(() => {
  expect(answers.read).toBe(readByGramJs);
});

it("leaves GramJS as it is", () => {
  useFastCodec({ warn: expect.unreachable } as never);
  expect(answers.read).toBe(readByGramJs);
});
