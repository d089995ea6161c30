import { sql } from "kysely";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { type NewJob, queueOf } from "../../queue/jobs.ts";
import type { Fleet } from "../fleet.ts";

/** A user of gramfleet's who is one of the emulated people. */
export interface KnownUser {
  readonly userId: bigint;
  readonly apiId: number;
}

/** Users of the first `count` emulated people, in their order. */
export async function usersOf({ database, accounts }: Fleet, count: number): Promise<KnownUser[]> {
  const { rows } = await database.asWorker((tx) =>
    sql<{ id: bigint; telegram_id: bigint }>`select id, telegram_id from users`.execute(tx),
  );
  const ids = new Map(rows.map((row) => [row.telegram_id, row.id]));
  return accounts.slice(0, count).map(({ telegramId, apiId }) => {
    const userId = ids.get(telegramId);
    if (userId === undefined) throw new Error("an emulated person is no user of ours");
    return { userId, apiId };
  });
}

/** Their first parses find the channels and their pts, and their backfills read them all. */
export async function makeKnown(fleet: Fleet, users: readonly KnownUser[]): Promise<void> {
  await runAll(fleet, users.map(parseJob));
}

export async function runAll(fleet: Fleet, jobs: readonly NewJob[]): Promise<void> {
  await fleet.producer.addBulk(jobs);
  await fleet.idle();
}

export const parseJob = (user: KnownUser): NewJob => ({ ...common(user), name: "parse-user", data: whose(user) });

export const backfillJob = (user: KnownUser, channelId: bigint): NewJob => ({
  ...common(user),
  name: "backfill-channel",
  data: { ...whose(user), channelId: String(channelId) },
});

const whose = ({ userId }: KnownUser) => ({ tenantId: DEFAULT_TENANT, userId: String(userId) });

const common = ({ apiId }: KnownUser) => ({
  queue: queueOf({ apiId, ownApi: false }),
  urgency: "premium" as const,
  dueAt: new Date(),
});
