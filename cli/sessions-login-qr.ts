import type { User } from "../db/users.ts";
import { addUser } from "../db/users.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { loginDependencies } from "../telegram/from-config.ts";
import { logInByQr } from "../telegram/login/log-in-by-qr.ts";
import type { QrAsking, ShownToken } from "../telegram/login/qr-code.ts";
import { ask } from "./ask.ts";
import { withContext } from "./context.ts";
import { forOperators, type LoginOptions, openFleet, termsAt } from "./log-in.ts";
import { qrLines } from "./qr-lines.ts";
import { parseTelegramId } from "./telegram-id.ts";

/** What stands for whoever scans, where a telegram_id would. */
export const ANYBODY = "new";

/**
 * Logs somebody in by a QR code that is drawn on standard error, and drawn again each time Telegram's token is about to
 * end. Ctrl-C ends the login and leaves nothing behind.
 */
export async function logInByTerminal(id: string, options: LoginOptions): Promise<void> {
  const telegramId = id === ANYBODY ? null : parseTelegramId(id);
  if (options.phone !== undefined || options.code !== undefined)
    throw new OperatorError("--qr logs in without phone and code: leave --phone and --code out", { exitCode: 2 });
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { out, config, database, tenantId, inTenant, lifecycle, log } = context;
    const metrics = createMetrics();
    const { show, agreed } = termsAt(context);
    const fleet = await openFleet(context, metrics);
    const user: User | null =
      telegramId === null ? null : (await inTenant((tx) => addUser(tx, { tenantId, telegramId }))).user;
    const abandon = new AbortController();
    const login = logInByQr(
      loginDependencies(config, { database, fleet, metrics, clock, log }),
      { tenantId, user, agreed, ...(options.appId === undefined ? {} : { appId: options.appId }) },
      asking(options, show),
      abandon.signal,
    );
    // Released before everything it stands on: a key that somebody may have let in is logged out first.
    lifecycle.own("login", login, async (running) => {
      abandon.abort();
      await running.catch(() => undefined);
    });
    const { me, session } = await login.catch((error: unknown) => {
      throw forOperators(error);
    });
    out.result(
      { telegramId: me.id, sessionId: session.id, state: session.state, apiId: session.apiId },
      () =>
        `${me.id}${me.firstName ? ` (${me.firstName})` : ""} is logged in; next: gramfleet channels add ${me.id} <channel>`,
    );
  });
}

/** A flag answers first, and once: an answer that was refused is asked for. */
function asking(options: LoginOptions, showTerms: () => void): QrAsking {
  const draw = drawing(process.stderr);
  return {
    show(token) {
      showTerms();
      draw(token);
    },
    async password({ hint }, refused) {
      if (options.password !== undefined && refused === null) return options.password;
      const about = refused ?? (hint === null ? null : `hint: ${hint}`);
      return ask(`two-step password${about ? ` (${about})` : ""}`, { secret: true, flag: "a good --password" });
    },
  };
}

/** On a terminal each code takes the last one's place. */
function drawing(screen: NodeJS.WriteStream): (token: ShownToken) => void {
  let drawn = 0;
  return ({ link }) => {
    const lines = [
      ...qrLines(link, { colour: Boolean(screen.isTTY) }),
      "Telegram on your phone: Settings, Devices, Link Desktop Device",
      link,
    ];
    if (screen.isTTY && drawn > 0) screen.write(`\u001b[${drawn}A\u001b[J`);
    screen.write(`${lines.join("\n")}\n`);
    drawn = lines.reduce((rows, line) => rows + rowsOf(line, screen.columns ?? 80), 0);
  };
}

/** How many rows a line takes where it is wider than the screen. */
function rowsOf(line: string, columns: number): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room.
  const width = line.replace(/\u001b\[[\d;]*m/g, "").length;
  return Math.max(1, Math.ceil(width / Math.max(1, columns)));
}
