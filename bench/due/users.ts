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
      select id, tenant_id, (${QUEUES}::text[])[1 + telegram_id % 3],
        now() - (telegram_id * 7919 % 900000) * interval '1 millisecond'
      from users`.execute(tx);
    await sql`analyze schedules`.execute(tx);
  });
}
