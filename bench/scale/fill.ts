import { sql } from "kysely";
import type { Database } from "../../db/database.ts";
import { queueOf } from "../../queue/jobs.ts";

export const API_IDS = Array.from({ length: 10 }, (_, index) => 920_001 + index);
const QUEUES = API_IDS.map((apiId) => queueOf({ apiId, ownApi: false }));
const CHANNELS = 5_000;
/** What a sealed StringSession and its wrapped key take. */
const SEALED_BYTES = 400;
const WRAPPED_BYTES = 60;
const AT_ONCE = 100_000;

/** Users with sealed sessions over ten API IDs, each following one channel, and nobody due for three minutes. */
export async function fill(
  database: Database,
  options: { readonly users: number; readonly premiumShare: number; readonly note: (text: string) => void },
): Promise<void> {
  await database.asOwner((tx) =>
    sql`insert into channels (id, title, kind, pts, top_message_id, reconciled_at)
      select n, 'channel ' || n, 'broadcast', 1, 1, now() from generate_series(1, ${CHANNELS}::int) n`.execute(tx),
  );
  for (let from = 1; from <= options.users; from += AT_ONCE) {
    const to = Math.min(options.users, from + AT_ONCE - 1);
    await database.asOwner(async (tx) => {
      await sql`
        with added as (
          insert into users (tenant_id, telegram_id, plan, paid_until)
          select 'default', 7000000000 + n, case when premium then 'premium' else 'free' end,
            case when premium then now() + interval '1 year' end
          from generate_series(${from}::int, ${to}::int) n,
            lateral (select n % 1000 < ${Math.round(options.premiumShare * 1_000)}::int as premium) p
          returning id, tenant_id, telegram_id, plan
        ), logged_in as (
          insert into sessions (tenant_id, user_id, app_id, telegram_id, api_id, state, ciphertext, wrapped_key, key_id)
          select tenant_id, id, 'user_' || telegram_id, telegram_id, (${API_IDS}::int[])[1 + telegram_id % ${API_IDS.length}::int],
            'AUTHORIZED', decode(repeat('5a', ${SEALED_BYTES}::int), 'hex'), decode(repeat('5a', ${WRAPPED_BYTES}::int), 'hex'), 'k1'
          from added
        ), following as (
          insert into subscriptions (tenant_id, user_id, name, channel_id, state)
          select tenant_id, id, 'c' || telegram_id % ${CHANNELS}::int, 1 + telegram_id % ${CHANNELS}::int, 'active' from added
        )
        insert into channel_access (user_id, channel_id, tenant_id, access_hash)
        select id, 1 + telegram_id % ${CHANNELS}::int, tenant_id, 1 from added`.execute(tx);
    });
    options.note(`${to} users`);
  }
  await spread(database, 180);
  for (const table of ["users", "sessions", "subscriptions", "channel_access", "channels"])
    await database.asOwner((tx) => sql`analyze ${sql.table(table)}`.execute(tx));
}

/** Everybody is due once within the interval of their plan, evenly, beginning so many seconds from now. */
export async function spread(database: Database, fromSeconds: number): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`truncate schedules`.execute(tx);
    await sql`
      insert into schedules (user_id, tenant_id, queue, next_parse_at)
      select id, tenant_id, (${QUEUES}::text[])[1 + telegram_id % ${API_IDS.length}::int],
        clock_timestamp() + ${fromSeconds}::float8 * interval '1 second'
          + random() * case plan when 'premium' then interval '15 minutes' else interval '60 minutes' end
      from users order by id`.execute(tx);
    await sql`analyze schedules`.execute(tx);
  });
}
