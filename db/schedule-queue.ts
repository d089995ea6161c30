import { sql } from "kysely";
import { queueName } from "../runtime/queue-name.ts";
import type { Tx } from "./database.ts";

/**
 * Brings the queue of a user's schedule up to date, and makes the schedule where there is none: the queue of the user's
 * AUTHORIZED session; null, so that the due scan leaves the user alone, where there is none without holds, or the user
 * is paused. Called in the transaction of whatever changes any of these.
 */
export async function refreshQueue(tx: Tx, userId: bigint): Promise<void> {
  // Two changes at once (a pause and a login) would each miss the other's without this lock.
  const user = await tx
    .selectFrom("users")
    .select(["tenant_id", "paused"])
    .where("id", "=", userId)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!user) return;
  const usable = await tx
    .selectFrom("sessions")
    .select(["api_id", "own_api"])
    .where("user_id", "=", userId)
    .where("state", "=", "AUTHORIZED")
    .where(sql<boolean>`holds = '{}'`)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const queue = user.paused || !usable ? null : queueName({ apiId: usable.api_id, ownApi: usable.own_api });
  await sql`
    insert into schedules as s (user_id, tenant_id, queue) values (${userId}, ${user.tenant_id}, ${queue})
    on conflict (user_id) do update set queue = excluded.queue where s.queue is distinct from excluded.queue`.execute(
    tx,
  );
}
