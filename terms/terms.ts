import { createHash } from "node:crypto";
import { TERMS_TEXTS, type TermsLanguage } from "./texts.ts";

/** A text that somebody was shown before they logged in. */
export interface ShownText {
  readonly version: string;
  readonly language: TermsLanguage;
  readonly text: string;
  /** Of the text, in hexadecimal. */
  readonly sha256: string;
}

/** The texts in force. */
export interface Terms {
  readonly version: string;
  /** The operator's own terms, which the text leads to; null where there are none. */
  readonly url: string | null;
  readonly all: readonly ShownText[];
  /** In a language as Telegram names it; English where there is none. */
  in(language: string): ShownText;
  /** The one with this sha256; null where it is not in force. */
  find(sha256: string): ShownText | null;
}

/**
 * The texts as configured: ours, and the way to the operator's own terms where they have some. Their version stands in the
 * text, so that no two versions have one sha256.
 */
export function createTerms({ version, url }: { readonly version: string; readonly url: string | null }): Terms {
  const all = (Object.keys(TERMS_TEXTS) as TermsLanguage[]).map((language): ShownText => {
    const { text: ours, more } = TERMS_TEXTS[language];
    const text = url === null ? ours : `${ours}\n${more(version.slice(version.indexOf("/") + 1), url)}`;
    return { version, language, text, sha256: createHash("sha256").update(text).digest("hex") };
  });
  const english = all.find(({ language }) => language === "en");
  if (!english) throw new Error("there is no English text");
  return {
    ...{ version, url, all },
    in: (language) => all.find((text) => text.language === language.toLowerCase().split(/[-_]/)[0]) ?? english,
    find: (sha256) => all.find((text) => text.sha256 === sha256.toLowerCase()) ?? null,
  };
}
