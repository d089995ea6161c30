import { type Kysely, sql } from "kysely";

/** What reconciling needs to know of a channel, since when one is incomplete, and claims for more than one purpose. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // reconcile_below: where a round that is under way goes on; ids from here up have been looked at. Null: no round.
  await sql`
    alter table channels
      add column incomplete_since timestamptz,
      add column reconciled_at timestamptz,
      add column reconcile_asked_at timestamptz,
      add column reconcile_below integer`.execute(db);
  await sql`
    update channels set incomplete_since = now()
    where not (covered - unverified @> int4multirange(int4range(1, greatest(top_message_id, 0) + 1)))`.execute(db);

  // Which accounts reach a channel, and from which id on.
  await sql`
    create index channel_access_reach on channel_access (channel_id, available_min_id) where state = 'ok'`.execute(db);

  // News, history and reconciling of one channel may go on side by side, each by one reader.
  await sql`alter table channel_claims drop constraint channel_claims_pkey`.execute(db);
  await sql`alter table channel_claims add column purpose text not null default 'news'`.execute(db);
  await sql`alter table channel_claims add constraint channel_claims_pkey primary key (channel_id, purpose)`.execute(
    db,
  );
}

export async function down(): Promise<void> {
  throw new Error("restore the backup that was made before instead");
}
