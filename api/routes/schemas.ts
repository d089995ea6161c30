import { z } from "zod";
import { ApiError } from "../http/errors.ts";

/** A moment, as ISO 8601 in UTC. */
export const time = z.string().describe("ISO 8601, UTC.");

/** A phone number as people write it. */
export const phone = z.string().min(1).max(64).describe("A phone number with its country code.");

/** Its digits. @throws ApiError 400 */
export function phoneDigits(written: string): string {
  const digits = written.replace(/[\s().+-]/g, "");
  if (!/^\d{5,15}$/.test(digits))
    throw new ApiError(
      400,
      "phone_number_invalid",
      "this is no phone number: give 5 to 15 digits, with the country code",
    );
  return digits;
}
