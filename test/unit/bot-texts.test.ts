import { describe, expect, it, test } from "vitest";
import { holdsApiHash } from "../../bot/commands/auth.ts";
import { looksLikeCode } from "../../bot/login-codes.ts";
import { languageOf, MENU, TEXTS } from "../../bot/texts.ts";
import { knownTimeZone, timeIn } from "../../bot/time.ts";

/** Every name in it, those of objects within with their path. */
const namesIn = (value: object, path = ""): string[] =>
  Object.entries(value).flatMap(([name, item]) =>
    typeof item === "object" && item !== null ? namesIn(item, `${path}${name}.`) : [`${path}${name}`],
  );

describe("texts", () => {
  it("say the same things in every language", () => {
    expect(namesIn(TEXTS.ru).sort()).toEqual(namesIn(TEXTS.en).sort());
  });

  it("are in their language", () => {
    for (const [language, letters] of [
      ["ru", /[а-яё]/i],
      ["en", /^[^а-яё]*$/i],
    ] as const) {
      const plain = Object.values(TEXTS[language]).filter((text): text is string => typeof text === "string");
      expect(plain.length).toBeGreaterThan(20);
      for (const text of plain) expect(text).toMatch(letters);
    }
  });

  it("have a line for each command of the menu", () => {
    for (const { commands } of Object.values(TEXTS)) expect(Object.keys(commands).sort()).toEqual([...MENU].sort());
  });
});

test.each([
  ["ru", "ru"],
  ["ru-RU", "ru"],
  ["run", "en"],
  ["en-GB", "en"],
  ["uk", "en"],
  [undefined, "en"],
])("language %s is answered in %s", (code, language) => {
  expect(languageOf(code)).toBe(language);
});

test.each([
  ["12345", true],
  ["123456", true],
  ["12 345", true],
  ["1-2-3-4-5", true],
  ["my code is 12345.", true],
  ["Код: 54321", true],
  ["1234", false],
  ["1234567", false],
  ["+7 912 345 67 89", false],
  ["-1001234567890", false],
  ["hello", false],
])("%s: a login code? %s", (text, expected) => {
  expect(looksLikeCode(text)).toBe(expected);
});

test.each([
  ["/auth 12345 0123456789abcdef0123456789abcdef", true],
  ["0123456789ABCDEF0123456789ABCDEF", true],
  ["api_hash: 0123456789abcdef0123456789abcdef!", true],
  ["/auth 12345", false],
  ["0123456789abcdef0123456789abcdef00", false],
  ["0123456789abcdef0123456789abcdeg", false],
])("%s: an api_hash? %s", (text, expected) => {
  expect(holdsApiHash(text)).toBe(expected);
});

test("times are the reader's", () => {
  const noon = new Date("2026-07-01T12:00:00Z");
  expect(timeIn("Europe/Moscow", "en")(noon)).toBe("1 Jul 2026, 15:00 GMT+3");
  expect(timeIn("Asia/Yekaterinburg", "ru")(noon)).toMatch(/^1 июл\. 2026.*17:00 GMT\+5$/);
  // A zone that is none in the database: the default, rather than no answer.
  expect(timeIn("Mars/Olympus", "en")(noon)).toContain("15:00");
  expect(knownTimeZone("europe/berlin")).toBe("Europe/Berlin");
  expect(knownTimeZone("Mars/Olympus")).toBeNull();
  expect(knownTimeZone("+03:00")).toBeNull();
});
