import type { Tickets } from "../login/tickets.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { ApiError } from "./http/errors.ts";
import { saidOf } from "./ticket-words.ts";

/** What the Mini App's bot says of a QR login: this account has scanned the ticket's code. */
export interface QrReport {
  readonly ticket: string;
  readonly telegramId: bigint;
  readonly twoFaRequired: boolean;
}

/** Takes such a report once it is proven to be real and new. Who keeps tickets says what becomes of it. */
export type QrCallback = (report: QrReport) => Promise<{ readonly status: string; readonly message: string }>;

/** What Telegram answers to the question that a report causes is waited for so long. */
const ANSWER_WITHIN_MS = 5_000;

/**
 * A report is a hint: it has the login ask Telegram at once, whose word alone counts. It authorises nothing.
 *
 * @throws ApiError 404 for a ticket that there is not, 403 `wrong_account` where the ticket is for another account
 */
export function createQrCallback(
  tickets: Pick<Tickets, "purpose" | "status" | "hint" | "changed">,
  metrics: Pick<Metrics, "qrAuthCallbacks">,
): QrCallback {
  const counted = (result: "awaited" | "wrong_user" | "ended" | "unknown") => metrics.qrAuthCallbacks.inc({ result });
  return async ({ ticket, telegramId, twoFaRequired }) => {
    const purpose = await tickets.purpose(ticket);
    const before = purpose && (await tickets.status(ticket, purpose.asker));
    if (!purpose || !before) {
      counted("unknown");
      throw new ApiError(404, "not_found", "there is no such ticket");
    }
    if (purpose.telegramId !== null && purpose.telegramId !== telegramId) {
      counted("wrong_user");
      throw new ApiError(403, "wrong_account", "this ticket is for another Telegram account");
    }
    if (before.state !== "PENDING_QR") {
      counted(before.state === "PENDING_PASSWORD" ? "awaited" : "ended");
      return { status: before.state, message: saidOf(before) };
    }
    counted("awaited");
    await tickets.hint(ticket);
    // A new code is no answer yet: the one after the password, or the end, is.
    let view = before;
    const until = performance.now() + ANSWER_WITHIN_MS;
    for (let left = ANSWER_WITHIN_MS; view.state === "PENDING_QR" && left > 0; left = until - performance.now())
      view = (await tickets.changed(ticket, purpose.asker, view.version, left)) ?? view;
    const waits = view.state === "PENDING_QR" && twoFaRequired;
    return { status: view.state, message: waits ? "Telegram has not said so yet" : saidOf(view) };
  };
}
