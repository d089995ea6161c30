import { type Selectable, sql } from "kysely";
import { parseChannelName } from "./channel-name.ts";
import { saveName } from "./channel-names.ts";
import type { Tx } from "./database.ts";
import { type IdRange, parseRanges } from "./ranges.ts";
import type { Schema } from "./schema.ts";
import { toStorable } from "./storable.ts";

export interface Channel {
  readonly id: bigint;
  readonly username: string | null;
  readonly title: string;
  readonly kind: "broadcast" | "megagroup";
  readonly state: string;
  readonly pts: number | null;
  readonly topMessageId: number;
  readonly covered: readonly IdRange[];
  readonly unverified: readonly IdRange[];
  readonly revision: bigint;
  /** How long what it publishes is kept; null: for ever. */
  readonly keptDays: number | null;
}

export interface ChannelFacts {
  readonly id: bigint;
  readonly username: string | null;
  readonly title: string;
  readonly kind: "broadcast" | "megagroup";
}

/** The columns of {@link Channel}. */
const COLUMNS = [
  "id",
  "username",
  "title",
  "kind",
  "state",
  "pts",
  "top_message_id",
  "covered",
  "unverified",
  "revision",
  "kept_days",
] as const;

export type ChannelRow = Pick<Selectable<Schema["channels"]>, (typeof COLUMNS)[number]>;

/** For statements that name the table of channels `c`. */
export const channelColumns = sql.join(COLUMNS.map((name) => sql.ref(`c.${name}`)));

export function toChannel(row: ChannelRow): Channel {
  return {
    id: row.id,
    username: row.username,
    title: row.title,
    kind: row.kind,
    state: row.state,
    pts: row.pts,
    topMessageId: row.top_message_id,
    covered: parseRanges(row.covered),
    unverified: parseRanges(row.unverified),
    revision: row.revision,
    keptDays: row.kept_days,
  };
}

/**
 * Adds the channel or brings its name up to date, keeping what it was called before; never touches pts or coverage.
 * Writes nothing where nothing changed.
 */
export async function saveChannel(tx: Tx, facts: ChannelFacts): Promise<void> {
  const { rows } = await sql`
    insert into channels as c (id, username, title, kind)
    values (${facts.id}, ${facts.username}, ${toStorable(facts.title)}, ${facts.kind})
    on conflict (id) do update set username = excluded.username, title = excluded.title, kind = excluded.kind,
      former_title = case when c.title <> excluded.title then c.title else c.former_title end,
      title_since = case when c.title <> excluded.title then now() else c.title_since end
    where (c.username, c.title, c.kind) is distinct from (excluded.username, excluded.title, excluded.kind)
    returning 1`.execute(tx);
  if (rows.length > 0) await saveName(tx, facts.id, facts.username);
}

/**
 * Keeps channels from being forgotten until the transaction's end, which is to say who follows them; adds those that have
 * been, since they were saved by themselves.
 */
export async function holdChannels(tx: Tx, channels: readonly ChannelFacts[]): Promise<void> {
  const ids = channels.map(({ id }) => id);
  const { rows } = await sql<{ id: bigint }>`
    select id from channels where id = any(${ids}::int8[]) order by id for key share`.execute(tx);
  const held = new Set(rows.map(({ id }) => id));
  for (const { id, username, title, kind } of channels)
    if (!held.has(id)) await saveChannel(tx, { id, username, title, kind });
}

/** The channel was this basic group before. */
export async function saveMigration(tx: Tx, channelId: bigint, groupId: bigint): Promise<void> {
  await sql`
    update channels set migrated_from = ${groupId}, migrated_at = now()
    where id = ${channelId} and migrated_from is distinct from ${groupId}`.execute(tx);
}

/** In the order of their ids; unknown ones are left out. */
export async function loadChannels(tx: Tx, ids: readonly bigint[]): Promise<Channel[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<ChannelRow>`
    select ${channelColumns} from channels c where id = any(${[...ids]}::int8[]) order by id`.execute(tx);
  return rows.map(toChannel);
}

/**
 * By @username, username, t.me link, or id (also as -100…); null where none is stored. A username that moved from one
 * channel to another means the one that got it last.
 *
 * @throws OperatorError where the name is malformed
 */
export async function findChannel(tx: Tx, name: string): Promise<Channel | null> {
  const wanted = parseChannelName(name);
  const query = tx.selectFrom("channels").selectAll();
  const row = await ("id" in wanted
    ? query.where("id", "=", wanted.id)
    : query
        .where(sql`lower(username)`, "=", wanted.username)
        .orderBy(
          sql`(select n.since from channel_names n
            where n.channel_id = channels.id and n.username = lower(channels.username) and n.until is null)
            desc nulls last`,
        )
        .orderBy("created_at", "desc")
  )
    .limit(1)
    .executeTakeFirst();
  return row ? toChannel(row) : null;
}

/** Raises the known top, so that something is missing; never lowers it. */
export async function raiseTop(tx: Tx, id: bigint, topMessageId: number): Promise<void> {
  await tx
    .updateTable("channels")
    .set({ top_message_id: topMessageId, incomplete_since: sql<Date>`coalesce(incomplete_since, now())` })
    .where("id", "=", id)
    .where("top_message_id", "<", topMessageId)
    .execute();
}
