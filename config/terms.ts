import type { Values } from "./variables.ts";

/** What people agree to who log in, and whether they have to. */
export interface TermsConfig {
  /** Ours, and after a slash the operator's: each change of the text is another one. */
  readonly version: string;
  /** The operator's own terms; null where there are none. */
  readonly url: string | null;
  /** Whether nobody is logged in who was not shown the text. */
  readonly required: boolean;
}

/** Of `terms/texts`. */
export const TEXTS_VERSION = "1";

export function termsConfig(given: Values): TermsConfig {
  const { TERMS_URL: url, TERMS_VERSION: version } = given;
  return {
    version: version === undefined ? TEXTS_VERSION : `${TEXTS_VERSION}/${version}`,
    url: url ?? null,
    required: given.CONSENT_REQUIRED === "on",
  };
}

export const termsProblems = (given: Values): string[] =>
  (given.TERMS_URL === undefined) === (given.TERMS_VERSION === undefined)
    ? []
    : ["TERMS_URL and TERMS_VERSION must be set together"];
