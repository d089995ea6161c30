import { sql } from "kysely";
import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";
import { until } from "./until.ts";

const FLOODED = 3;
const FLOOD_SECONDS = [6, 9] as const;
const TOLD_WITHIN_MS = 3_000;

/** An account that is told to wait by whatever it calls next. */
export interface Flooded {
  readonly tenantId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly telegramId: bigint;
  readonly queue: string;
  /** Who held the lease when last seen: it was told to wait, and the others know of that from PostgreSQL alone. */
  holder: string | null;
}

export interface WrittenWait {
  readonly telegramId: bigint;
  readonly method: string;
}

/** Some accounts are told to wait. Gives them; of those that met a holder too, who it was. */
export async function flood(stage: Stage, fleet: Fleet): Promise<readonly Flooded[]> {
  const accounts = await accountsOf(fleet);
  const chosen = [...new Set(Array.from({ length: FLOODED }, () => stage.random.pick(accounts)))];
  for (const { telegramId } of chosen)
    fleet.emulator.floods.forceFlood({ accountIds: [telegramId], seconds: stage.random.int(...FLOOD_SECONDS) });
  await fleet.producer.addBulk(
    chosen.map(({ tenantId, userId, queue }) => ({
      ...{ name: "parse-user", queue, data: { tenantId, userId }, urgency: "premium", dueAt: new Date() },
    })),
  );
  await until(
    async () => {
      const rows = await fleet.leases();
      for (const each of chosen)
        each.holder = rows.find((row) => String(row.sessionId) === each.sessionId)?.holder ?? each.holder;
      const written = await writtenWaits(fleet, chosen);
      return chosen.every(({ telegramId }) => written.some((wait) => wait.telegramId === telegramId));
    },
    { withinMs: TOLD_WITHIN_MS, signal: stage.signal },
  );
  return chosen;
}

/**
 * The waits of these accounts that run and are written down, before clocks jump. One that is not, since its process
 * dies between Telegram's answer and the row, dies with it: nobody could know of it.
 */
export async function writtenWaits(fleet: Fleet, accounts: readonly Flooded[]): Promise<WrittenWait[]> {
  const ids = accounts.map(({ telegramId }) => telegramId);
  const rows = await fleet.database.once((tx) =>
    tx
      .selectFrom("waits")
      .select(["telegram_id", "method"])
      .where("telegram_id", "in", ids)
      .where("until", ">", sql<Date>`clock_timestamp()`)
      .execute(),
  );
  return rows.map((row) => ({ telegramId: row.telegram_id, method: row.method }));
}

/** The data centers know when a wait that they handed out is over: what came before was refused, and is told as early. */
export const callsDuring = ({ emulator }: Fleet, { telegramId, method }: WrittenWait, since: number) =>
  emulator.witness
    .calls({ since, accountId: telegramId })
    .filter(
      (call) => call.early && call.method.replace(".", "").toLowerCase() === method.replace(".", "").toLowerCase(),
    );

async function accountsOf(fleet: Fleet): Promise<Flooded[]> {
  const rows = await fleet.database.once((tx) =>
    tx.selectFrom("sessions").select(["id", "tenant_id", "user_id", "telegram_id", "api_id"]).orderBy("id").execute(),
  );
  return rows.map((row) => ({
    ...{ tenantId: row.tenant_id, userId: String(row.user_id), sessionId: String(row.id), holder: null },
    ...{ telegramId: row.telegram_id, queue: `parse-${row.api_id}` },
  }));
}

/** Jobs besides their parses, which are snoozed: a wait must hold all of them, whoever takes them. */
export const verify = ({ producer }: Fleet, accounts: readonly Flooded[]) =>
  producer.addBulk(
    accounts.map(({ tenantId, sessionId, queue }) => ({
      ...{ name: "verify-session", queue, data: { tenantId, sessionId }, urgency: "premium", dueAt: new Date() },
    })),
  );
