import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { TenantTx, Tx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** By which way somebody was shown what they agree to; `api`: a tenant's program says that it has. */
export type ConsentVia = "page" | "bot" | "api" | "cli";

/** What somebody was shown, and went on to log in. */
export interface Agreed {
  readonly version: string;
  readonly language: string;
  readonly text: string;
  readonly via: ConsentVia;
}

/** Records that a user has agreed to a text, and keeps the text itself. Consents of before stay. */
export async function recordConsent(
  tx: Tx,
  who: { readonly tenantId: string; readonly userId: bigint },
  { version, language, text, via }: Agreed,
): Promise<void> {
  const sha256 = createHash("sha256").update(text).digest();
  await sql`
    insert into consent_texts (sha256, version, language, body) values (${sha256}, ${version}, ${language}, ${text})
    on conflict (sha256) do nothing`.execute(tx);
  await sql`
    insert into consents (tenant_id, user_id, text_sha256, via)
    values (${who.tenantId}, ${who.userId}, ${sha256}, ${via})`.execute(tx);
  await sql`update users set consented_at = now() where id = ${who.userId} and ${ofTenant("tenant_id")}`.execute(tx);
}

/** Whether a user has agreed to this version, in whatever language. */
export async function hasConsented(tx: Tx, userId: bigint, version: string): Promise<boolean> {
  const { rows } = await sql`
    select from consents c join consent_texts t on t.sha256 = c.text_sha256
    where c.user_id = ${userId} and t.version = ${version} and ${ofTenant("c.tenant_id")} limit 1`.execute(tx);
  return rows.length > 0;
}

/** One line of a user's history. */
export interface Consent {
  readonly at: Date;
  readonly via: ConsentVia;
  readonly version: string;
  readonly language: string;
  /** Of the text, in hexadecimal. */
  readonly sha256: string;
  readonly text: string;
}

/** What a user has agreed to, the newest first. */
export async function consentsOf(tx: TenantTx, userId: bigint): Promise<Consent[]> {
  const { rows } = await sql<Consent>`
    select c.at, c.via, t.version, t.language, encode(t.sha256, 'hex') as sha256, t.body as text
    from consents c join consent_texts t on t.sha256 = c.text_sha256
    where c.user_id = ${userId} and ${ofTenant("c.tenant_id")} order by c.id desc`.execute(tx);
  return rows;
}
