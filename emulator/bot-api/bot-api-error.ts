/** What the Bot API answers instead of a result (core.telegram.org/bots/api#making-requests). */
export class BotApiError extends Error {
  override name = "BotApiError";
  readonly code: number;
  /** Seconds, with 429. */
  readonly retryAfter: number | null;

  constructor(code: number, description: string, retryAfter: number | null = null) {
    super(description);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export const badRequest = (what: string): BotApiError => new BotApiError(400, `Bad Request: ${what}`);
export const forbidden = (what: string): BotApiError => new BotApiError(403, `Forbidden: ${what}`);
export const conflict = (what: string): BotApiError => new BotApiError(409, `Conflict: ${what}`);
/** Loud on purpose: nothing here pretends. */
export const notImplemented = (what: string): BotApiError =>
  new BotApiError(501, `Not Implemented: the emulator does not serve ${what}`);
