import type { Language } from "./texts.ts";

const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", ru: "ru-RU" };

/** Whose zone is not known is shown this one's times. */
export const DEFAULT_TIME_ZONE = "Europe/Moscow";

/** A moment for people: to the minute, in their zone, which it names. */
export function timeIn(zone: string, language: Language): (date: Date) => string {
  const timeZone = knownTimeZone(zone) ?? DEFAULT_TIME_ZONE;
  const format = new Intl.DateTimeFormat(LOCALES[language], {
    ...{ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
    ...{ timeZoneName: "short", timeZone },
  });
  return (date) => format.format(date);
}

/** The zone's name as the IANA database writes it; null where there is none of this name. */
export function knownTimeZone(name: string): string | null {
  // An offset such as +03:00 is one to Intl, and none that knows of summer.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return null;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
