import { Argument, Command, Option } from "commander";
import { PLANS } from "../config/plans.ts";
import { consentsOf } from "../db/consents.ts";
import { listUsers } from "../db/user-summary.ts";
import { addUser, setPaused, setPlan } from "../db/users.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { type Cell, painted, state, when } from "./output.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { ofOneTenant, ofTenants, rowsOf, type TenantsOption } from "./tenant.ts";
import { requireUser, unknownUser } from "./user.ts";
import type { EraseOptions } from "./users-delete.ts";

const DAY_MS = 86_400_000;

export function usersCommand(): Command {
  const users = new Command("users");
  users.addCommand(
    withCommonOptions(new Command("list").description("list users, with their plan, session and last parse"))
      .addOption(new Option("--plan <plan>", "only whose plan in force is this").choices(PLANS))
      .option("--limit <n>", "at most this many", wholeNumber(1))
      .action(list),
  );
  users.addCommand(
    withCommonOptions(new Command("add").description("add a user by telegram_id").argument("<telegram_id>"))
      .addOption(planOption())
      .option("--days <n>", "how long the plan is paid for", wholeNumber(1), 30)
      .action(add),
  );
  users.addCommand(
    withCommonOptions(new Command("plan").description("set a user's plan").argument("<telegram_id>"))
      .addArgument(new Argument("<plan>", "the plan").choices(PLANS))
      .option("--days <n>", "how long it is paid for or tried", wholeNumber(1), 30)
      .action(plan),
  );
  users.addCommand(
    withCommonOptions(new Command("consents").description("what a user has agreed to, when, and by which way"))
      .argument("<telegram_id>")
      .action(consents),
  );
  users.addCommand(
    withCommonOptions(new Command("pause").description("stop parsing a user").argument("<telegram_id>")).action(
      (id: string, options: CommonOptions) => pause(id, true, options),
    ),
  );
  users.addCommand(
    withCommonOptions(new Command("resume").description("parse a paused user again").argument("<telegram_id>")).action(
      (id: string, options: CommonOptions) => pause(id, false, options),
    ),
  );
  users.addCommand(
    withCommonOptions(
      new Command("delete")
        .description("erase a person: log them out at Telegram, and delete everything of theirs here")
        .argument("<telegram_id>"),
    )
      .option("--yes", "really", false)
      .option("--force", "also where they cannot be logged out now: their key is deleted without", false)
      .option(
        "--timeout <seconds>",
        "how long to wait until they are logged out; it goes on without",
        wholeNumber(1),
        60,
      )
      .action(async (id: string, options: EraseOptions) => (await import("./users-delete.ts")).eraseUser(id, options)),
  );
  return ofOneTenant(users, { butAlsoOfAll: ["list"] });
}

const planOption = () => new Option("--plan <plan>", "the plan").choices(PLANS).default("free");

/** A plan as typed, as the columns have it. */
function planColumns(name: string, days: number, now: number) {
  const end = new Date(now + days * DAY_MS);
  if (name === "premium") return { plan: "premium" as const, paidUntil: end, trialExpiresAt: null };
  if (name === "trial") return { plan: "free" as const, paidUntil: null, trialExpiresAt: end };
  if (name === "free") return { plan: "free" as const, paidUntil: null, trialExpiresAt: null };
  throw new OperatorError(`"${name}" is no plan: it is free, trial or premium`, { exitCode: 2 });
}

async function list(options: CommonOptions & TenantsOption & { plan?: string; limit?: number }): Promise<void> {
  await withContext(options, [], async (context) => {
    const { out } = context;
    const filter = {
      ...(options.plan === undefined ? {} : { plan: options.plan }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
    };
    const rows = await rowsOf(context, options, (tx) => listUsers(tx, filter));
    out.result(rows, () =>
      rows.length === 0
        ? "no users yet: gramfleet users add <telegram_id>"
        : out.table(
            ofTenants(options, "tenant", [
              ...["telegram_id", "plan", "paused", "session", "channels"],
              ...["next parse", "last run", "outcome", "waits until"],
            ]),
            rows.map((user) =>
              ofTenants<Cell>(options, user.tenantId ?? null, [
                user.telegramId,
                user.plan,
                user.paused ? painted("yellow", "yes") : "no",
                state(user.sessionState),
                user.subscriptions,
                user.nextParseAt,
                user.lastRunAt,
                state(user.lastOutcome),
                painted("yellow", user.waitsUntil),
              ]),
            ),
          ),
    );
  });
}

async function add(id: string, options: CommonOptions & { plan: string; days: number }): Promise<void> {
  const telegramId = parseTelegramId(id);
  const columns = planColumns(options.plan, options.days, Date.now());
  await withContext(options, [], async ({ out, tenantId, inTenant }) => {
    const { user, added } = await inTenant((tx) => addUser(tx, { tenantId, telegramId, ...columns }));
    out.result({ ...user, added }, () =>
      added
        ? `added ${telegramId}; next: gramfleet sessions login, then gramfleet channels add ${telegramId} <channel>`
        : `${telegramId} is there already`,
    );
  });
}

async function plan(id: string, name: string, options: CommonOptions & { days: number }): Promise<void> {
  const telegramId = parseTelegramId(id);
  const columns = planColumns(name, options.days, Date.now());
  await withContext(options, [], async ({ out, inTenant }) => {
    if (!(await inTenant((tx) => setPlan(tx, telegramId, columns)))) {
      throw unknownUser(telegramId);
    }
    const end = columns.paidUntil ?? columns.trialExpiresAt;
    out.result(
      { telegramId, plan: name, until: end },
      () => `${telegramId}: ${name}${end ? ` until ${when(end)}` : ""}`,
    );
  });
}

async function consents(id: string, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, inTenant }) => {
    const user = await requireUser(inTenant, telegramId);
    const given = await inTenant((tx) => consentsOf(tx, user.id));
    out.result(given, () =>
      given.length === 0
        ? `${telegramId}: nothing is recorded`
        : given.flatMap(({ at, via, version, language, sha256, text }) => [
            `${when(at)}  by ${via}, version ${version}, ${language}, sha256 ${sha256}`,
            ...text.split("\n").map((line) => `  ${line}`),
          ]),
    );
  });
}

async function pause(id: string, paused: boolean, options: CommonOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  await withContext(options, [], async ({ out, inTenant }) => {
    if (!(await inTenant((tx) => setPaused(tx, telegramId, paused)))) {
      throw unknownUser(telegramId);
    }
    out.result({ telegramId, paused }, () => `${telegramId}: ${paused ? "paused" : "parsed again"}`);
  });
}
