import { expect, test } from "vitest";
import { en } from "../../web/qr-auth/texts/en.ts";
import { languageOf } from "../../web/qr-auth/texts/language.ts";
import { ru } from "../../web/qr-auth/texts/ru.ts";

/** Every text by its path: functions as what they make of a number that cannot be missed. */
function flat(texts: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(texts) as [string, unknown][]) {
    const here = `${path}${name}`;
    if (typeof value === "string") found.set(here, value);
    else if (typeof value === "function") found.set(here, String(value(77)));
    else for (const [below, text] of flat(value as object, `${here}.`)) found.set(below, text);
  }
  return found;
}

test("both languages say the same things", () => {
  const [english, russian] = [flat(en), flat(ru)];
  expect([...russian.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [path, text] of russian) {
    expect(text.trim(), path).not.toBe("");
    // A number that is given is said.
    expect(text.includes("77"), path).toBe(english.get(path)?.includes("77"));
  }
});

test("no text was left in the other language", () => {
  for (const [path, text] of flat(ru)) if (path !== "phone.placeholder") expect(text, path).toMatch(/[а-яё]/i);
  for (const [path, text] of flat(en)) expect(text, path).not.toMatch(/[а-яё]/i);
});

test.each([
  [["ru"], "ru"],
  [["ru-RU", "en"], "ru"],
  [["RU_ru"], "ru"],
  [["de-DE", "ru"], "ru"],
  [["de", "fr"], "en"],
  [[null, undefined, "", "ru"], "ru"],
  [["rue"], "en"],
  [[], "en"],
] as const)("of %j it speaks %s", (wanted, language) => {
  expect(languageOf(wanted)).toBe(language);
});
