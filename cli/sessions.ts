import { Command } from "commander";
import { listServingNobody } from "../db/api-ids.ts";
import { listSessions, sessionEvents, sessionOfUser, setHold } from "../db/sessions.ts";
import { runningWaits } from "../db/waits.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { type Cell, painted, state, when } from "./output.ts";
import { loginCommand, qrLoginCommand } from "./sessions-login.ts";
import { discoverCommand, exportSessionCommand, importCommand } from "./sessions-portable.ts";
import type { RevokeOptions } from "./sessions-revoke.ts";
import type { RotateOptions } from "./sessions-rotate-keys.ts";
import type { UnparkOptions } from "./sessions-unpark.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { ofOneTenant, ofTenants, rowsOf, type TenantsOption } from "./tenant.ts";
import { requireUser } from "./user.ts";

export function sessionsCommand(): Command {
  const sessions = new Command("sessions");
  sessions.addCommand(withCommonOptions(new Command("list").description("every session and its state")).action(list));
  sessions.addCommand(
    withCommonOptions(new Command("status").description("one user's session: state, waits, what happened to it"))
      .argument("<telegram_id>")
      .action(status),
  );
  sessions.addCommand(
    withCommonOptions(
      new Command("release").description("read on with a session that was held, once its reason is gone"),
    )
      .argument("<telegram_id>")
      .action(release),
  );
  sessions.addCommand(
    withCommonOptions(
      new Command("unpark").description("read on with restored sessions, once the installation they are from is gone"),
    )
      .argument("[telegram_id...]")
      .option("--all", "every parked session", false)
      .option("--yes", "do not ask: that installation is gone for good", false)
      .action(async (ids: string[], options: UnparkOptions) =>
        (await import("./sessions-unpark.ts")).unparkSessions(ids, options),
      ),
  );
  sessions.addCommand(loginCommand());
  sessions.addCommand(qrLoginCommand());
  sessions.addCommand(importCommand());
  sessions.addCommand(exportSessionCommand());
  sessions.addCommand(discoverCommand());
  sessions.addCommand(
    withCommonOptions(
      new Command("finalize").description("end the logins that nobody goes on with, and log their keys out"),
    ).action(async (options: CommonOptions) => (await import("./sessions-finalize.ts")).finalize(options)),
  );
  sessions.addCommand(
    withCommonOptions(
      new Command("rotate-keys").description("wrap every stored key by the first of SESSION_ENCRYPTION_KEYS"),
    )
      .option("--dry-run", "only say how much each key holds", false)
      .option("--batch <rows>", "how many rows a transaction has", wholeNumber(1), 500)
      .option("--force", "without asking Redis which keys the running processes have", false)
      .action(async (options: RotateOptions) => (await import("./sessions-rotate-keys.ts")).rotate(options)),
  );
  sessions.addCommand(
    withCommonOptions(
      new Command("revoke").description("log a user's session out at Telegram, and delete its key here"),
    )
      .argument("<telegram_id>")
      .option("--yes", "really", false)
      .option("--timeout <seconds>", "how long to wait for a worker to do it; the job goes on", wholeNumber(1), 30)
      .action(async (id: string, options: RevokeOptions) => (await import("./sessions-revoke.ts")).revoke(id, options)),
  );
  return ofOneTenant(sessions, { butAlsoOfAll: ["list"], butNot: ["finalize", "rotate-keys"] });
}

async function list(options: CommonOptions & TenantsOption): Promise<void> {
  await withContext(options, [], async (context) => {
    const { out } = context;
    const rows = await rowsOf(context, options, async (tx) => {
      const sessions = await listSessions(tx);
      const listed = [];
      for (const session of sessions) listed.push({ ...session, waits: await runningWaits(tx, session.telegramId) });
      return listed;
    });
    out.result(rows, () =>
      rows.length === 0
        ? "no sessions yet: gramfleet sessions login <telegram_id> --phone +…"
        : out.table(
            ofTenants(options, "tenant", [
              ...["telegram_id", "app", "api_id", "state"],
              ...["since", "reason", "held", "waits until"],
            ]),
            rows.map((row) =>
              ofTenants<Cell>(options, row.tenantId, [
                row.telegramId,
                row.appId,
                row.apiId,
                state(row.state),
                row.stateChangedAt,
                row.reason,
                painted("red", row.holds.join(", ") || null),
                row.waits.reduce<Date | null>((last, wait) => (last && last > wait.until ? last : wait.until), null),
              ]),
            ),
          ),
    );
  });
}

async function status(id: string, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, inTenant }) => {
    const user = await requireUser(inTenant, telegramId);
    const { session, events, waits } = await inTenant(async (tx) => {
      const session = await sessionOfUser(tx, user.id);
      return {
        session,
        events: session ? await sessionEvents(tx, session.id) : [],
        waits: await runningWaits(tx, telegramId),
      };
    });
    if (!session) throw new OperatorError(`${telegramId} has no session: gramfleet sessions login ${telegramId}`);
    out.result({ ...session, events, waits }, () => [
      `${telegramId}: ${session.state}${session.reason ? ` (${session.reason})` : ""}, api_id ${session.apiId}`,
      ...session.holds.map((hold) => `held: ${hold}`),
      ...waits.map(
        (wait) =>
          `waits for ${wait.method}${wait.chatId === 0n ? "" : ` in chat ${wait.chatId}`} until ${when(wait.until)} (asked for ${wait.seconds} s)`,
      ),
      ...events.map((event) =>
        [
          `${when(event.at)}  ${event.fromState} → ${event.toState}  ${event.reason ?? ""}`.trimEnd(),
          ...(event.toldAt ? [`(owner told ${when(event.toldAt)})`] : []),
        ].join("  "),
      ),
    ]);
  });
}

/** Lifts every hold. What is still wrong holds it again at its next opening, before anything is read. */
async function release(id: string, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, inTenant }) => {
    const user = await requireUser(inTenant, telegramId);
    const released = await inTenant(async (tx) => {
      const session = await sessionOfUser(tx, user.id);
      if (!session || session.holds.length === 0) throw new OperatorError(`${telegramId} has no session that is held`);
      if (session.holds.includes("api_id_out") && (await listServingNobody(tx)).has(session.apiId))
        throw new OperatorError(
          `API ID ${session.apiId} serves nobody now: "gramfleet api-ids list" says why, "gramfleet api-ids resume ${session.apiId}" releases its sessions`,
        );
      if (session.holds.includes("parked"))
        throw new OperatorError(
          `${telegramId} is parked, since another installation may use its session: gramfleet sessions unpark ${telegramId}`,
        );
      if (session.holds.includes("revoking"))
        throw new OperatorError(`${telegramId} is being logged out: that is not taken back`);
      for (const hold of session.holds) await setHold(tx, session.id, hold, false);
      return session.holds;
    });
    out.result({ telegramId, released }, () => `${telegramId}: released (was held: ${released.join(", ")})`);
  });
}
