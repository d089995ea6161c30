import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonError, parseJson } from "../../formats/json.ts";

describe("parseJson", () => {
  it("reads whatever JSON.stringify writes as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJson(text)).toEqual(
          JSON.parse(text, (_key, field: unknown) =>
            typeof field === "number" &&
            Number.isInteger(field) &&
            !Number.isSafeInteger(field) &&
            !/e/.test(`${field}`)
              ? BigInt(`${field}`)
              : field,
          ),
        );
      }),
    );
  });

  it("gives integers beyond 2^53 as bigint, unrounded, and no others", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), (value) => {
        const parsed = parseJson(`{"grouped_id": ${value}}`) as { grouped_id: number | bigint };
        expect(BigInt(parsed.grouped_id)).toBe(value);
        expect(typeof parsed.grouped_id).toBe(Number.isSafeInteger(Number(value)) ? "number" : "bigint");
      }),
    );
    expect(parseJson("9007199254740991")).toBe(9007199254740991);
    expect(parseJson("9007199254740993")).toBe(9007199254740993n);
    expect(parseJson("-1.5e3")).toBe(-1500);
  });

  it("reads escapes, Desktop's \\x among them, and a key named __proto__", () => {
    expect(parseJson('"\\u00e9\\ud83d\\ude42\\n\\/\\x0B"')).toBe("é🙂\n/\u000b");
    const parsed = parseJson('{"__proto__": {"a": 1}}') as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });

  it.each([
    ["", "ends too early at line 1, column 1"],
    ['{"a": [1,\n 2', "ends too early at line 2, column 3, in a"],
    ['{"messages": [{"id": 1}, {"id": tru}]}', 'unexpected "t" at line 1, column 33, in messages[1].id'],
    ["[1,]", 'unexpected "]" at line 1, column 4, in [1]'],
    ["[01]", 'unexpected "1" at line 1, column 3'],
    ["{} {}", 'unexpected "{" at line 1, column 4'],
    ['"\\u00', "ends too early at line 1, column 6"],
    ['"a\nb"', "control character in a string at line 1, column 3"],
    ['"\\q"', "unknown escape at line 1, column 2"],
    ["[".repeat(600), "nested too deeply"],
  ])("refuses %j and says where", (text, says) => {
    expect(() => parseJson(text)).toThrow(JsonError);
    expect(() => parseJson(text)).toThrow(says);
  });

  it("refuses every text that is cut off", () => {
    const text = JSON.stringify({ name: "a", messages: [{ id: 1, text: ["x", { type: "bold", text: "\u{1f642}" }] }] });
    for (let length = 0; length < text.length; length += 1)
      expect(() => parseJson(text.slice(0, length))).toThrow(JsonError);
  });
});
