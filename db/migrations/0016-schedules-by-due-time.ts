import { type Kysely, sql } from "kysely";

/**
 * No index of `schedules` has anything to do with claims any more, so that a claim and a start leave all of them alone
 * (heap-only updates): a parse moves its user in the indexes once, not three times, and beside a transaction that has been
 * open for hours a third as much stays behind. Claims are found among what is due: whoever is claimed is.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`drop index schedules_due, schedules_claimed`.execute(db);
  await sql`create index schedules_due on schedules (next_parse_at) where queue is not null`.execute(db);
  // Room beside each row for what it becomes: claimed, and started.
  await sql`alter table schedules set (fillfactor = 50)`.execute(db);
  await sql`update schedules set next_parse_at = now() where claimed_at is not null and next_parse_at > now()`.execute(
    db,
  );
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
