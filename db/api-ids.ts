import { sql } from "kysely";
import type { Tx } from "./database.ts";
import { setHold } from "./session-transitions.ts";

/** The API IDs that Telegram refused, and that take no new logins until an operator puts them back. */
export async function listOutOfService(tx: Tx): Promise<Set<number>> {
  const rows = await tx.selectFrom("api_ids").select("api_id").where("out_of_service_at", "is not", null).execute();
  return new Set(rows.map((row) => row.api_id));
}

/** Takes an API ID out of service; the first reason stays. Gives false where it was out already. */
export async function putOutOfService(tx: Tx, apiId: number, reason: string): Promise<boolean> {
  const changed = await tx
    .insertInto("api_ids")
    .values({ api_id: apiId, out_of_service_at: sql`clock_timestamp()`, reason })
    .onConflict((conflict) =>
      conflict
        .column("api_id")
        .doUpdateSet({ out_of_service_at: sql`clock_timestamp()`, reason })
        .where("api_ids.out_of_service_at", "is", null),
    )
    .executeTakeFirst();
  return (changed.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Puts an API ID back into service, and gives its sessions free that were held for it. Gives their number. */
export async function putInService(tx: Tx, apiId: number): Promise<number> {
  await tx.updateTable("api_ids").set({ out_of_service_at: null, reason: null }).where("api_id", "=", apiId).execute();
  const held = await tx
    .selectFrom("sessions")
    .select("id")
    .where("api_id", "=", apiId)
    .where(sql<boolean>`'api_id_out' = any(holds)`)
    .execute();
  for (const { id } of held) await setHold(tx, id, "api_id_out", false);
  return held.length;
}

/** An API ID that sessions have, or that is out of service, with its AUTHORIZED sessions and those held among them. */
export interface ApiIdInUse {
  readonly apiId: number;
  readonly outOfServiceAt: Date | null;
  readonly reason: string | null;
  readonly sessions: number;
  readonly held: number;
}

export async function listApiIds(tx: Tx): Promise<ApiIdInUse[]> {
  const { rows } = await sql<ApiIdInUse>`
    select api_id as "apiId", a.out_of_service_at as "outOfServiceAt", a.reason,
      coalesce(s.sessions, 0) as sessions, coalesce(s.held, 0) as held
    from (
      select api_id, count(*)::int as sessions, (count(*) filter (where holds <> '{}'))::int as held
      from sessions where state = 'AUTHORIZED' group by api_id
    ) s full join api_ids a using (api_id)
    order by api_id`.execute(tx);
  return rows;
}
