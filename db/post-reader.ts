import { sql } from "kysely";
import { DeadlinePassed, withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import type { Database, TenantTx, WorkerTx } from "./database.ts";
import type { PostCursor } from "./post-cursor.ts";
import type { PostPage } from "./posts.ts";
import { isUnreachable } from "./unreachable.ts";

/** Where posts are read: a replica that may be a little late, or the primary. */
export interface PostReader {
  /** A page behind `cursor`, which is no page of a replica that knows less than whoever gave the cursor. */
  read<Page extends Pick<PostPage, "cursor">>(
    tenantId: string,
    cursor: PostCursor,
    page: (tx: TenantTx) => Promise<Page>,
  ): Promise<Page>;
}

/** Without a replica. */
export const readPrimary = (primary: Database): PostReader => ({
  read: (tenantId, _cursor, page) => primary.inTenant(tenantId, page),
});

/** A replica that failed is not asked again for so long. */
const REST_MS = 5_000;
const ANSWER_WITHIN_MS = 5_000;
/** How often its lag is looked at, while somebody reads. */
const LOOK_EVERY_MS = 1_000;
/** One that is later than this is left alone: a reader would wait for it where it has stopped for good. */
const LATEST_MS = 30_000;

/**
 * Reads by a replica (streaming replication). It replays commits in the primary's order, and a channel's revisions are
 * given out under its row's lock: so of each channel it shows what the primary showed some time ago, and a cursor that
 * was read there skips nothing. What it has not got yet comes with a later page.
 *
 * The primary is asked instead where the replica is away, does not answer in time, is no replica any more, is later than
 * 30 s, or knows a channel less far than the cursor (which came from elsewhere: a page from there would be told twice), and
 * where `page` throws: what the replica does not have, the primary may.
 */
export function createPostReader(options: {
  readonly primary: Database;
  readonly replica: Database;
  /** Milliseconds of a clock that is never set. */
  readonly monotonic: () => number;
  readonly log: Pick<Log, "warn" | "info">;
}): PostReader {
  const { primary, replica, monotonic, log } = options;
  let restsUntil = Number.NEGATIVE_INFINITY;
  let isOut = false;
  let looking: Promise<boolean> | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let isGood = false;
  let marks: readonly { readonly at: number; readonly lsn: bigint }[] = [];

  function leave(why: string, error?: unknown): void {
    restsUntil = monotonic() + REST_MS;
    if (!isOut) log.warn({ err: error }, `posts are read from the primary: the replica ${why}`);
    isOut = true;
  }

  /** Whether it has replayed what the primary had written at some time of the last 30 s. Throws where one is silent. */
  async function isFresh(): Promise<boolean> {
    const at = monotonic();
    const [written, replayed] = await withDeadline(
      "the replica",
      ANSWER_WITHIN_MS,
      Promise.all([primary.once(readWritten), replica.once(readReplayed)]),
    );
    if (replayed === null) {
      leave("is none");
      return false;
    }
    const isOld = (mark: { readonly at: number }) => mark.at < at - LATEST_MS;
    const wasWatched = marks.some(isOld);
    marks = [...marks.filter((mark) => !isOld(mark)), { at, lsn: written }];
    const fresh = marks.some(({ lsn }) => lsn <= replayed);
    // Nobody knows how late it is that has been looked at for the first time.
    if (!fresh && wasWatched) leave(`is later than ${LATEST_MS / 1_000} s`);
    return fresh;
  }

  async function mayAsk(): Promise<boolean> {
    const now = monotonic();
    if (now < restsUntil) return false;
    if (now - lookedAt < LOOK_EVERY_MS) return isGood;
    looking ??= isFresh()
      .then((fresh) => {
        lookedAt = now;
        isGood = fresh;
        return fresh;
      })
      .finally(() => {
        looking = null;
      });
    return looking;
  }

  return {
    async read(tenantId, cursor, page) {
      try {
        if (await mayAsk()) {
          const read = await withDeadline("the replica", ANSWER_WITHIN_MS, replica.inTenant(tenantId, page));
          if (isOut) log.info("posts are read from the replica again");
          isOut = false;
          if (!isBack(cursor, read.cursor)) return read;
        }
      } catch (error) {
        if (isUnreachable(error) || error instanceof DeadlinePassed) leave("does not answer", error);
      }
      return primary.inTenant(tenantId, page);
    },
  };
}

/** Whether a page went back in a channel, which it does where the channel's head lies below the cursor. */
function isBack(before: PostCursor, after: PostCursor): boolean {
  for (const [channelId, { revision }] of before)
    if ((after.get(channelId)?.revision ?? revision) < revision) return true;
  return false;
}

/** How far the primary has written its log. */
async function readWritten(tx: WorkerTx): Promise<bigint> {
  const { rows } = await sql<{ lsn: bigint }>`select (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8 as lsn`.execute(tx);
  return rows[0]?.lsn ?? 0n;
}

/** How far the replica has replayed it; null where the server is no replica. */
async function readReplayed(tx: WorkerTx): Promise<bigint | null> {
  const { rows } = await sql<{ lsn: bigint | null }>`
    select case when pg_is_in_recovery() then (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8 end as lsn`.execute(tx);
  return rows[0]?.lsn ?? null;
}
