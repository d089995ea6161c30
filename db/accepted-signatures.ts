import { sql } from "kysely";
import type { AppTx } from "./database.ts";
import { sha256 } from "./secret-tokens.ts";

/**
 * True for whoever brings this signature first, false for everybody after. Remembered until `expiresAt`, when the
 * timestamp that it covers is refused anyhow.
 *
 * Belongs to no tenant: it is looked at before anything that was signed is believed.
 */
export async function acceptOnce(tx: AppTx, signature: Buffer, expiresAt: Date): Promise<boolean> {
  const { rows } = await sql`
    with expired as (
      delete from accepted_signatures where digest in (
        select digest from accepted_signatures where expires_at < now() limit 100 for update skip locked
      )
    )
    insert into accepted_signatures (digest, expires_at) values (${sha256(signature.toString("hex"))}, ${expiresAt})
    on conflict (digest) do nothing
    returning 1`.execute(tx);
  return rows.length > 0;
}
