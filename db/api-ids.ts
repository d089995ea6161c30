import { sql } from "kysely";
import type { Tx } from "./database.ts";

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

/** Puts an API ID back into service. */
export async function putInService(tx: Tx, apiId: number): Promise<void> {
  await tx.updateTable("api_ids").set({ out_of_service_at: null, reason: null }).where("api_id", "=", apiId).execute();
}
