import { sql } from "kysely";
import type { Database } from "../../db/database.ts";
import { queueOf } from "../../queue/jobs.ts";

export const API_IDS = [910_001, 910_002, 910_003];
const QUEUES = API_IDS.map((apiId) => queueOf({ apiId, ownApi: false }));

/** Users with AUTHORIZED sessions, every other one premium, spread over the API IDs. */
export async function addUsers(database: Database, users: number): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`
      insert into users (tenant_id, telegram_id, plan, paid_until)
      select 'default', 7000000000 + n, case n % 2 when 0 then 'premium' else 'free' end,
        case n % 2 when 0 then now() + interval '1 year' end
      from generate_series(1, ${users}::int) n`.execute(tx);
    await sql`
      insert into sessions (tenant_id, user_id, app_id, telegram_id, api_id, state)
      select tenant_id, id, 'user_' || telegram_id, telegram_id, (${API_IDS}::int[])[1 + telegram_id % 3], 'AUTHORIZED'
      from users`.execute(tx);
    await sql`analyze users, sessions`.execute(tx);
  });
}

/** Everybody is due, at times that are in no order, and nobody's run is in flight; the table as if it were new. */
export async function makeEverybodyDue(database: Database): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`truncate schedules`.execute(tx);
    await sql`
      insert into schedules (user_id, tenant_id, queue, next_parse_at)
      select id, tenant_id, (${QUEUES}::text[])[1 + telegram_id % 3], now() - ${SPREAD} from users`.execute(tx);
    await sql`analyze schedules`.execute(tx);
  });
}

const SPREAD = sql`(telegram_id * 7919 % 900000) * interval '1 millisecond'`;

/** The same by updates, as runs' ends do it: what the rows were before stays for whoever has an old snapshot. */
export async function makeEverybodyDueAgain(database: Database): Promise<void> {
  await database.asOwner((tx) =>
    sql`update schedules s set claimed_at = null, next_parse_at = now() - ${SPREAD}
      from users u where u.id = s.user_id`.execute(tx),
  );
}

/** Half of the users are parsed each hour, the other half four times. */
const PARSES_AN_HOUR = 2.5;

/** What so many hours of parses leave behind: each claimed, started and ended, with the times that they would have had. */
export async function liveThrough(database: Database, hours: number): Promise<void> {
  const parses = Math.round(hours * PARSES_AN_HOUR);
  for (let left = parses; left > 0; left -= 1) {
    const slot = sql`now() - ${(left / PARSES_AN_HOUR) * 3_600} * interval '1 second'`;
    // A transaction each: what one transaction wrote over its own rows would be seen by no snapshot.
    for (const change of [
      sql`claimed_at = ${slot} + interval '1 second', last_enqueued_at = ${slot} + interval '1 second'`,
      sql`last_started_at = ${slot} + interval '2 seconds'`,
      sql`claimed_at = null, next_parse_at = ${slot} + ${SPREAD}`,
    ])
      await database.asOwner((tx) =>
        sql`update schedules s set ${change} from users u where u.id = s.user_id`.execute(tx),
      );
  }
}
