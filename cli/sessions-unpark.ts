import { parkedSessions, unpark } from "../db/parked-sessions.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { ask } from "./ask.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { parseTelegramId } from "./telegram-id.ts";

export interface UnparkOptions extends CommonOptions {
  readonly all: boolean;
  readonly yes: boolean;
}

/** Reads on with sessions that were restored, or handed out: somebody says that nobody else uses them. */
export async function unparkSessions(ids: readonly string[], options: UnparkOptions): Promise<void> {
  if ((ids.length === 0) !== options.all)
    throw new OperatorError("give the telegram_ids of those to read on with, or --all", { exitCode: 2 });
  const asked = ids.map(parseTelegramId);
  await withContext(options, [], async ({ out, database }) => {
    const parked = await database.asWorker(parkedSessions);
    const chosen = options.all ? parked : parked.filter(({ telegramId }) => asked.includes(telegramId));
    const missing = asked.filter((id) => !chosen.some(({ telegramId }) => telegramId === id));
    if (missing.length > 0) throw new OperatorError(`${missing.join(", ")}: no session that is parked`);
    if (chosen.length > 0 && !options.yes) {
      out.note(
        `${chosen.length} sessions were restored here, or handed to another program. Where that program or installation still runs, or ever starts again, Telegram ends each session that both use, for good.`,
      );
      const answer = await ask('the other one is gone for good; type "unpark" to go on', { flag: "--yes" });
      if (answer !== "unpark") throw new OperatorError("not unparked");
    }
    await database.asWorker((tx) => unpark(tx, chosen));
    out.result(
      chosen.map(({ tenantId, appId, telegramId }) => ({ tenantId, appId, telegramId })),
      () => (chosen.length === 0 ? "no session is parked" : `${chosen.length} sessions are read from now on`),
    );
  });
}
