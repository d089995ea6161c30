import { sql } from "kysely";
import type { ChannelAccess } from "./access.ts";
import type { WorkerTx } from "./database.ts";

const milliseconds = (ms: number) => sql`${ms} * interval '1 millisecond'`;
/** What reconciling calls: an account that must wait for one of these is of no use to it. */
const METHODS = ["users.getUsers", "channels.getMessages", "channels.getFullChannel"];

/** A channel to reconcile, and the user on whose account. */
export interface ReconcileRequest {
  readonly channelId: bigint;
  readonly userId: bigint;
  readonly tenantId: string;
  readonly queue: string;
}

/**
 * Takes up to `limit` channels that were last reconciled (or added) longer than `everyMs` ago, the longest first, and
 * marks them as asked for, so that each is given once; what was asked for and did not end is given again after
 * `againMs`. For each one of its subscribers: somebody whose account reaches it, whose session is usable, and who need
 * not wait; of these whoever sees furthest back, else any.
 */
export async function askReconcile(
  tx: WorkerTx,
  due: { everyMs: number; againMs: number; limit: number },
): Promise<ReconcileRequest[]> {
  const { rows } = await sql<ReconcileRequest>`
    with due as (
      select c.id from channels c
      where coalesce(c.reconciled_at, c.created_at) < now() - ${milliseconds(due.everyMs)}
        and (c.reconcile_asked_at is null or c.reconcile_asked_at < now() - ${milliseconds(due.againMs)})
        and c.pts is not null and exists (${readers})
      order by coalesce(c.reconciled_at, c.created_at) limit ${due.limit} for no key update skip locked
    ), asked as (
      update channels c set reconcile_asked_at = clock_timestamp() from due where c.id = due.id returning c.id
    )
    select c.id as "channelId", r.user_id as "userId", r.tenant_id as "tenantId", r.queue
    from asked c cross join lateral (${readers} order by a.available_min_id, random() limit 1) r`.execute(tx);
  return rows;
}

/** Who could read channel `c`. */
const readers = sql`
  select s.user_id, s.tenant_id, h.queue
  from subscriptions s
  join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id and a.state = 'ok'
  join schedules h on h.user_id = s.user_id and h.queue is not null
  join users u on u.id = s.user_id
  where s.channel_id = c.id and not exists (
    select from waits w
    where w.telegram_id = u.telegram_id and w.until > now() and w.method = any(${METHODS}) and w.chat_id in (0, c.id)
  )`;

/** What a job needs to know before an account is opened. */
export interface ReconcileTask {
  readonly sessionId: bigint;
  readonly access: ChannelAccess;
  /** Nothing asks for it any more: somebody has done it since it was asked for. */
  readonly done: boolean;
}

/** Null where the user has no session, is paused, or does not follow or reach the channel, or it was never read. */
export async function loadReconcileTask(
  tx: WorkerTx,
  who: { userId: bigint; channelId: bigint },
): Promise<ReconcileTask | null> {
  const { rows } = await sql<Omit<ChannelAccess, "state"> & { sessionId: bigint; done: boolean }>`
    select e.id as "sessionId", coalesce(c.reconciled_at >= c.reconcile_asked_at, false) as done,
      a.channel_id as "channelId", a.access_hash as "accessHash", a.available_min_id as "availableMinId", a.joined,
      a.recheck_at as "recheckAt"
    from subscriptions s
    join channel_access a on a.user_id = s.user_id and a.channel_id = s.channel_id and a.state = 'ok'
    join channels c on c.id = s.channel_id and c.pts is not null
    join users u on u.id = s.user_id and not u.paused
    join lateral (
      select id from sessions where user_id = u.id order by state = 'AUTHORIZED' desc, id desc limit 1
    ) e on true
    where s.user_id = ${who.userId} and s.channel_id = ${who.channelId}`.execute(tx);
  const [row] = rows;
  if (!row) return null;
  const { sessionId, done, ...access } = row;
  return { sessionId, done, access: { ...access, state: "ok" } };
}

/** Where a round is, and what to look at next. */
export interface ReconcileStep {
  readonly pts: number | null;
  /** Stored ids of living messages, newest first; empty where the round is at its end. */
  readonly ids: readonly number[];
  /** The same account is wanted for a due parse that need not wait, and which goes first. */
  readonly parseIsDue: boolean;
}

/**
 * The next `limit` ids of the round, among the channel's newest `window` stored messages, from `floor` up.
 * Null where there is no such channel.
 */
export async function nextReconcileStep(
  tx: WorkerTx,
  round: { channelId: bigint; userId: bigint; floor: number; window: number; limit: number; now: Date },
): Promise<ReconcileStep | null> {
  const { rows } = await sql<ReconcileStep>`
    select c.pts, array(
        select id from (
          select m.id, m.deleted_at from messages m where m.channel_id = c.id
          order by m.id desc limit ${round.window}
        ) w where w.deleted_at is null and w.id < coalesce(c.reconcile_below, 2147483647) and w.id >= ${round.floor}
        order by id desc limit ${round.limit}
      ) as ids,
      exists (
        select from schedules h join users u on u.id = h.user_id
        where h.user_id = ${round.userId} and h.queue is not null
          and (h.claimed_at is not null or h.next_parse_at <= ${round.now})
          and not exists (select from waits x where x.telegram_id = u.telegram_id and x.until > now())
      ) as "parseIsDue"
    from channels c where c.id = ${round.channelId}`.execute(tx);
  return rows[0] ?? null;
}

/** The round is at its end; the next one begins at the top. */
export async function finishReconcile(tx: WorkerTx, channelId: bigint): Promise<void> {
  await sql`
    update channels set reconciled_at = clock_timestamp(), reconcile_below = null where id = ${channelId}`.execute(tx);
}
