import { z } from "zod";
import type { Agreed, ConsentVia } from "../../db/consents.ts";
import type { ShownText, Terms } from "../../terms/terms.ts";
import { ApiError } from "./errors.ts";

/** Which text a person was shown before they log in. */
export const shownTerms = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, "64 hexadecimal digits")
  .optional()
  .describe("The sha256 of the text that the person was shown and agrees to, as `GET /api/terms` gives it.");

/**
 * The text itself; null where none is named.
 *
 * @throws ApiError (409) where that text is not in force: what somebody agrees to is not what they were shown
 */
export function agreedTo(terms: Terms, sha256: string | undefined, via: ConsentVia): Agreed | null {
  if (sha256 === undefined) return null;
  const found = terms.find(sha256);
  if (!found) throw new ApiError(409, "terms_changed", "that text is not in force: show the one of GET /api/terms");
  return agreedBy(found, via);
}

export const agreedBy = ({ version, language, text }: ShownText, via: ConsentVia): Agreed => ({
  ...{ version, language, text, via },
});
