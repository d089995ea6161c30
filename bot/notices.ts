import { Api, GrammyError } from "grammy";
import { type SessionNotice, tellNext } from "../db/session-notices.ts";
import { preferencesOf } from "../db/user-preferences.ts";
import { type Loop, startLoop } from "../runtime/loop.ts";
import { sleep } from "../runtime/sleep.ts";
import { BOT_TENANT, type BotDeps } from "./deps.ts";
import { languageOf, TEXTS } from "./texts.ts";
import { DEFAULT_TIME_ZONE, timeIn } from "./time.ts";

/** A transaction is open meanwhile: whoever does not answer in this time is asked again later. */
const SEND_SECONDS = 10;
/** Telegram's answers to whoever cannot be written to: they have blocked the bot, or never opened it. */
const NOT_REACHED: readonly number[] = [400, 403];

/**
 * Tells people what became of their logins and sessions, until stopped: that they are logged in, that another account has
 * scanned, that a link has expired, that Telegram has ended their session, or that it is logged out since nobody used it. Each
 * is told once, by any of the processes.
 */
export function startNotices(
  deps: Pick<BotDeps, "database" | "log" | "metrics">,
  telegram: { readonly token: string; readonly apiRoot: string | null },
  everyMs: number,
): Loop {
  const { database, log, metrics } = deps;
  // One that does not wait for Telegram by itself: the transaction would wait with it.
  const api = new Api(telegram.token, {
    timeoutSeconds: SEND_SECONDS,
    ...(telegram.apiRoot === null ? {} : { apiRoot: telegram.apiRoot }),
  });

  async function tell(notice: SessionNotice, text: string): Promise<void> {
    const { kind, telegramId } = notice;
    try {
      await api.sendMessage(Number(telegramId), text, { link_preview_options: { is_disabled: true } });
      metrics.botNotices.inc({ kind, outcome: "told" });
    } catch (error) {
      if (!(error instanceof GrammyError) || !NOT_REACHED.includes(error.error_code)) throw error;
      metrics.botNotices.inc({ kind, outcome: "not_reached" });
      log.info({ user_telegram_id: telegramId.toString(), kind }, "somebody cannot be told of their login");
    }
  }

  return startLoop({
    name: "notices",
    everyMs,
    log,
    async turn(signal) {
      try {
        const told = await database.asWorker((tx) =>
          tellNext(tx, BOT_TENANT, async (notice) => {
            const known = await preferencesOf(tx, notice.userId);
            await tell(notice, textOf(notice, known?.language, known?.timeZone));
          }),
        );
        return told ? "again" : "rest";
      } catch (error) {
        const seconds = error instanceof GrammyError ? error.parameters.retry_after : undefined;
        if (seconds === undefined) throw error;
        await sleep(seconds * 1_000, signal);
        return "again";
      }
    },
  });
}

function textOf({ kind, reason, at }: SessionNotice, code: string | undefined, zone = DEFAULT_TIME_ZONE): string {
  const language = languageOf(code);
  const texts = TEXTS[language];
  const when = timeIn(zone, language)(at);
  switch (kind) {
    case "ended":
      return texts.ended(texts.endings[reason ?? ""] ?? reason ?? "?", when);
    case "logged_in":
      return texts.loggedIn(when);
    case "wrong_account":
      return texts.wrongAccount;
    case "expired":
      return texts.loginExpired;
    case "idle_soon":
      return texts.idleSoon;
    case "idle":
      return texts.idle;
  }
}
