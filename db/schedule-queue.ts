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

/** The same for many users at once. */
export async function refreshQueues(tx: Tx, userIds: readonly bigint[]): Promise<void> {
  if (userIds.length === 0) return;
  await sql`select from users where id = any(${userIds}::int8[]) order by id for no key update`.execute(tx);
  const { rows } = await sql<{
    id: bigint;
    tenant_id: string;
    paused: boolean;
    api_id: number | null;
    own_api: boolean;
  }>`
    select u.id, u.tenant_id, u.paused, e.api_id, e.own_api from users u
    left join lateral (
      select api_id, own_api from sessions where user_id = u.id and state = 'AUTHORIZED' and holds = '{}'
      order by id desc limit 1
    ) e on true
    where u.id = any(${userIds}::int8[]) order by u.id`.execute(tx);
  const queues = rows.map(({ paused, api_id: apiId, own_api: ownApi }) =>
    paused || apiId === null ? null : queueName({ apiId, ownApi }),
  );
  await sql`
    insert into schedules as s (user_id, tenant_id, queue)
    select * from unnest(${rows.map((row) => row.id)}::int8[], ${rows.map((row) => row.tenant_id)}::text[], ${queues}::text[])
      as n (user_id, tenant_id, queue) order by user_id
    on conflict (user_id) do update set queue = excluded.queue where s.queue is distinct from excluded.queue`.execute(
    tx,
  );
}
