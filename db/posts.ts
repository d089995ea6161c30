import { type Selectable, sql } from "kysely";
import type { Tx } from "./database.ts";
import { type PostCursor, type PostPosition, WHOLE } from "./post-cursor.ts";
import type { Schema } from "./schema.ts";
import { fromRow, type StoredMessage } from "./stored-messages.ts";
import { ofTenant } from "./tenant.ts";

export {
  afterPost,
  CursorMalformed,
  decodeCursor,
  encodeCursor,
  type PostCursor,
  type PostPosition,
  START,
} from "./post-cursor.ts";

export interface PostPage {
  readonly posts: readonly StoredMessage[];
  /** Where the next page begins. */
  readonly cursor: PostCursor;
}

/**
 * A user's posts that the cursor has not seen: new, backfilled, edited and late ones, and those marked as deleted. Each
 * comes once per revision, and within a channel in order of revision, then id. A post that changed twice since comes
 * once, as it is now. An empty page says that there is nothing more for now.
 *
 * What a user may see is the view's to say: the posts of own subscriptions, as far as the user's own account has access.
 * A channel without access keeps its place in the cursor, so that nothing is missed when access comes back. Only a
 * floor (`available_min_id`) that is lowered later shows posts that the cursor has passed, and they are not told.
 *
 * @param who `channelId`: of this channel alone; the cursor stays where it is in the others
 * @param limit at most this many posts, shared evenly by the channels that have some
 */
export async function postsAfter(
  tx: Tx,
  who: { readonly userId: bigint; readonly channelId?: bigint },
  cursor: PostCursor,
  limit: number,
): Promise<PostPage> {
  const { rows } = await postsAfterQuery(who.userId, cursor, limit, who.channelId).execute(tx);
  const next = new Map(cursor);
  const posts: StoredMessage[] = [];
  for (const row of rows) {
    if (row.id === null) next.set(row.of_channel, { revision: row.head, upTo: null });
    else {
      posts.push(fromRow(row));
      // Fewer than its share: that was all there is up to the head, whoever's eyes the rest is not for.
      next.set(row.of_channel, {
        revision: row.found < row.share ? row.head : row.revision,
        upTo: row.found < row.share ? null : row.id,
      });
    }
  }
  return { posts, cursor: next };
}

type Row = { of_channel: bigint; head: bigint; share: number; found: number } & (
  | Selectable<Schema["user_posts"]>
  | { id: null }
);

/**
 * One statement, so one moment's picture: all of a page's rows and the channel's revision are committed together, and
 * revisions are given out under the channel row's lock, so whatever is committed later lies above the head that is seen.
 *
 * A head below the position is a database restored from a backup: the position follows it down.
 * Per channel this is a scan of `messages_revision` from the position on; channels at their head cost one row of
 * `channels` each (a test holds the plan).
 */
export function postsAfterQuery(userId: bigint, cursor: PostCursor, limit: number, channelId?: bigint) {
  const positions = [...cursor];
  const column = <T>(pick: (position: PostPosition) => T) => positions.map(([, position]) => pick(position));
  return sql<Row>`
    with behind as materialized (
      select s.channel_id, c.revision as head, coalesce(p.revision, 0) as revision, coalesce(p.up_to, ${WHOLE}) as up_to
      from subscriptions s
      join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id and a.state = 'ok'
      join channels c on c.id = s.channel_id
      left join unnest(
        ${positions.map(([channelId]) => channelId)}::int8[],
        ${column((position) => position.revision)}::int8[],
        ${column((position) => position.upTo ?? WHOLE)}::int4[]
      ) as p(channel_id, revision, up_to) on p.channel_id = s.channel_id
      where s.user_id = ${userId} and ${ofTenant("s.tenant_id")}
        ${channelId === undefined ? sql`` : sql`and s.channel_id = ${channelId}`}
        and (p.revision, p.up_to) is distinct from (c.revision, ${WHOLE})
      -- Whoever has waited longest comes first where there are more channels than the page has room for.
      order by c.read_at nulls first, s.channel_id
      limit ${limit}
    ), shared as (
      select *, ${limit}::int4 / (count(*) over ())::int4 as share from behind
    )
    select b.channel_id as of_channel, b.head, b.share, (count(m.id) over (partition by b.channel_id))::int4 as found, m.*
    from shared b
    left join lateral (
      select * from user_posts u
      where u.user_id = ${userId} and u.channel_id = b.channel_id
        and (u.revision, u.id) > (b.revision, b.up_to)
      order by u.revision, u.id
      limit b.share
    ) m on true
    order by b.channel_id, m.revision, m.id`;
}

/**
 * A user's newest living posts, oldest first, and the cursor that goes on from them: everything that is stored later,
 * and everything of theirs that changes. For a start; older posts are not told any more.
 */
export async function latestPosts(tx: Tx, userId: bigint, limit: number): Promise<PostPage> {
  const heads = await sql<{ id: bigint; revision: bigint }>`
    select c.id, c.revision
    from subscriptions s
    join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id and a.state = 'ok'
    join channels c on c.id = s.channel_id
    where s.user_id = ${userId} and ${ofTenant("s.tenant_id")}`.execute(tx);
  // What is stored between the two statements lies above the heads, and belongs to the cursor.
  const { rows } = await sql<Selectable<Schema["user_posts"]>>`
    select m.*
    from unnest(
      ${heads.rows.map((head) => head.id)}::int8[], ${heads.rows.map((head) => head.revision)}::int8[]
    ) as h(channel_id, revision)
    cross join lateral (
      select * from user_posts u
      where u.user_id = ${userId} and u.channel_id = h.channel_id and u.revision <= h.revision and u.deleted_at is null
      order by u.id desc
      limit ${limit}
    ) m
    order by m.date desc, m.channel_id desc, m.id desc
    limit ${limit}`.execute(tx);
  return {
    posts: rows.map(fromRow).reverse(),
    cursor: new Map(heads.rows.map((head) => [head.id, { revision: head.revision, upTo: null }])),
  };
}
