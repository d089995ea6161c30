import { type Api, Refused, Unreachable } from "./api.ts";
import { UnsafeParameters } from "./srp-group.ts";
import type { Stage } from "./stage.ts";
import type { Telegram } from "./telegram.ts";
import type { Texts } from "./texts/en.ts";

/** What every screen works with. */
export interface Page {
  readonly texts: Texts;
  readonly telegram: Telegram;
  /** What somebody agrees to who logs in. */
  readonly terms: string | null;
  readonly api: Api;
  readonly stage: Stage;
}

/** What went wrong, in a sentence for whoever reads the page. */
export function saidOf(error: unknown, { errors, duration }: Texts): string {
  if (error instanceof UnsafeParameters) return errors.password_unsafe;
  if (error instanceof Unreachable) return errors.unreachable;
  if (!(error instanceof Refused)) return errors.other;
  const known: unknown = errors[error.code as keyof typeof errors];
  if (typeof known === "string") return known;
  return error.retryAfterSeconds === null ? errors.other : errors.too_many(duration(error.retryAfterSeconds));
}
