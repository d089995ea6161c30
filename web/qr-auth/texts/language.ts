import { en, type Texts } from "./en.ts";
import { ru } from "./ru.ts";

export type Language = "en" | "ru";

export const TEXTS: Readonly<Record<Language, Texts>> = { en, ru };

/** The first language among these that the page speaks; English where it speaks none of them. */
export function languageOf(wanted: readonly (string | null | undefined)[]): Language {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split(/[-_]/)[0];
    if (language === "ru" || language === "en") return language;
  }
  return "en";
}
