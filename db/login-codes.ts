import { sql } from "kysely";
import type { Tx } from "./database.ts";

/**
 * Counts one login code about to be sent with an API ID today (UTC), unless `most` were sent already. False where the
 * day's number is used up: nothing is counted then.
 */
export async function countLoginCode(tx: Tx, apiId: number, most: number): Promise<boolean> {
  const { rows } = await sql`
    insert into login_codes (api_id, day, sent) values (${apiId}, (now() at time zone 'utc')::date, 1)
    on conflict (api_id, day) do update set sent = login_codes.sent + 1 where login_codes.sent < ${most}
    returning sent`.execute(tx);
  return rows.length > 0;
}
