import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { TEXTS_VERSION } from "../../config/terms.ts";
import { createTerms } from "../../terms/terms.ts";

/** The texts of each version, as sha256: what people have agreed to is never changed under its version. */
const VERSIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "1": {
    en: "95e824872256f13a21f6e9b1aca7aa10ec8ff29c4b5dbffd2042b2309c8014b0",
    ru: "f55f826ccc43f87880d5ec83075d683b4f0689bd139ac7d91290635d225d703d",
  },
};

test("a text that is changed is another version", () => {
  const { all } = createTerms({ version: TEXTS_VERSION, url: null });
  expect(Object.fromEntries(all.map(({ language, sha256 }) => [language, sha256]))).toEqual(VERSIONS[TEXTS_VERSION]);
});

test("leads to the operator's own terms, which are part of what is agreed to", () => {
  const terms = (env: Record<string, string>) => createTerms(loadConfig(env).terms);
  const own = terms({ TERMS_URL: "https://example.com/terms", TERMS_VERSION: "2026-01" });
  const { text, sha256, version } = own.in("en");
  expect(text).toMatch(/^By logging in you agree .+\nTerms \(2026-01\): https:\/\/example\.com\/terms$/s);
  expect(version).toBe("1/2026-01");
  expect(sha256).toBe(createHash("sha256").update(text).digest("hex"));
  expect(own.find(terms({}).in("en").sha256)).toBeNull();
  expect(own.find(sha256.toUpperCase())).toBe(own.in("en"));
  expect(terms({ TERMS_URL: "https://example.com/terms", TERMS_VERSION: "2026-02" }).in("en").sha256).not.toBe(sha256);
  expect(() => terms({ TERMS_URL: "https://example.com/terms" })).toThrow(/must be set together/);
});

test("speaks the language that is asked for, or English", () => {
  const terms = createTerms({ version: "1", url: null });
  expect(["ru", "RU_ru", "de", ""].map((language) => terms.in(language).language)).toEqual(["ru", "ru", "en", "en"]);
});

test("is required unless it is switched off", () => {
  expect(loadConfig({}).terms.required).toBe(true);
  expect(loadConfig({ CONSENT_REQUIRED: "off" }).terms.required).toBe(false);
});
