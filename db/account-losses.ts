import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";

/** What Telegram did to an account, so that it is lost to its API ID: these tell when an API ID is in danger. */
export type AccountLoss = "frozen" | "banned";

/** Notes that an account was lost, under the API ID that it had; one that is lost again counts as of now. */
export async function noteLoss(
  tx: WorkerTx,
  session: { readonly id: bigint; readonly apiId: number; readonly ownApi: boolean },
  kind: AccountLoss,
): Promise<void> {
  const { id, apiId, ownApi } = session;
  await sql`
    insert into account_losses (session_id, kind, api_id, own_api, at)
    values (${id}, ${kind}, ${apiId}, ${ownApi}, clock_timestamp())
    on conflict (session_id, kind) do update set
      (api_id, own_api, at) = row (excluded.api_id, excluded.own_api, excluded.at)`.execute(tx);
}

/** Accounts lost within a day, by API ID and kind; own API IDs together, as null. */
export async function lossesOfADay(
  tx: WorkerTx,
): Promise<{ readonly apiId: number | null; readonly kind: AccountLoss; readonly count: number }[]> {
  const { rows } = await sql<{ apiId: number | null; kind: AccountLoss; count: number }>`
    select case when own_api then null else api_id end as "apiId", kind, count(*)::int as count
    from account_losses where at > now() - interval '1 day' group by 1, 2 order by 1, 2`.execute(tx);
  return rows;
}

/** Forgets what was lost longer ago than this. */
export async function deleteOldLosses(tx: WorkerTx, olderThanDays: number): Promise<void> {
  await sql`delete from account_losses where at < now() - ${olderThanDays} * interval '1 day'`.execute(tx);
}
