import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MessageEntity } from "../../db/message.ts";
import { desktopText, fromSegments, segmentsOf } from "../../formats/desktop/entities.ts";

const TYPES = "mention hashtag url email bold italic code underline strike spoiler cashtag phone bot_command bank_card";

const shape = fc.oneof(
  fc.constantFrom(...TYPES.split(" ")).map((type) => ({ type })),
  fc.webUrl().map((url) => ({ type: "text_url", url })),
  fc.constantFrom("", "js", "c++").map((language) => ({ type: "pre", language })),
  fc.bigInt({ min: 1n, max: 2n ** 52n }).map((id) => ({ type: "mention_name", userId: id.toString() })),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }).map((id) => ({ type: "custom_emoji", documentId: id.toString() })),
  fc.constantFrom({ type: "blockquote" }, { type: "blockquote", collapsed: true }),
);
const piece = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const textWithEntities = fc
  .array(fc.record({ text: piece, shape: fc.option(shape, { nil: null }) }), { maxLength: 8 })
  .map((pieces) => {
    let text = "";
    const entities: MessageEntity[] = [];
    for (const { text: part, shape } of pieces) {
      if (shape) entities.push({ ...shape, offset: text.length, length: part.length });
      text += part;
    }
    return { text, entities };
  });
const overlapping = fc.record({
  text: fc.string({ unit: "grapheme", maxLength: 40 }),
  entities: fc.array(
    fc
      .tuple(shape, fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }))
      .map(([given, offset, length]): MessageEntity => ({ ...given, offset, length })),
    { maxLength: 8 },
  ),
});

describe("Desktop's segments", () => {
  it("carry side-by-side entities there and back, exactly", () => {
    fc.assert(
      fc.property(textWithEntities, (given) => {
        expect(fromSegments(segmentsOf(given.text, given.entities))).toEqual(given);
      }),
    );
  });

  it("join to the text whatever entities overlap, nest, or reach beyond it", () => {
    fc.assert(
      fc.property(overlapping, ({ text, entities }) => {
        const segments = segmentsOf(text, entities);
        expect(segments.map((segment) => segment.text).join("")).toBe(text);
        expect(segments.every((segment) => segment.text.length > 0)).toBe(true);
        const back = fromSegments(segments);
        expect(back.text).toBe(text);
        for (const entity of back.entities)
          expect(
            entities.some(({ offset, length, type }) => {
              return offset === entity.offset && length === entity.length && type === entity.type;
            }),
          ).toBe(true);
        // What is flat stays as it is.
        expect(segmentsOf(back.text, back.entities)).toEqual(segments);
      }),
    );
  });

  it("keep the outer of two nested entities, and the first of two that cross", () => {
    const text = "🙂 bold link end";
    const outer = { type: "bold", offset: 3, length: 9 };
    const inner = { type: "text_url", offset: 8, length: 4, url: "https://example.org" };
    const crossing = { type: "italic", offset: 8, length: 8 };
    expect(segmentsOf(text, [crossing, inner, outer])).toEqual([
      { type: "plain", text: "🙂 " },
      { type: "bold", text: "bold link" },
      { type: "plain", text: " end" },
    ]);
  });

  it("are a plain string where all is plain", () => {
    expect(desktopText(segmentsOf("", []))).toBe("");
    expect(desktopText(segmentsOf("a", []))).toBe("a");
    expect(desktopText(segmentsOf("ab", [{ type: "url", offset: 1, length: 1 }]))).toEqual([
      "a",
      { type: "link", text: "b" },
    ]);
  });
});
