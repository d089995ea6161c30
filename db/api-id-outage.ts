import { type RawBuilder, sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";
import { refreshQueues } from "./schedule-queue.ts";

/** An API ID that Telegram refused. */
export interface Outage {
  readonly apiId: number;
  /** Milliseconds until one account may try it; 0 where it may now. By PostgreSQL's clock. */
  readonly probeInMs: number;
}

/** The account that tries an API ID for everybody. */
export interface Probe {
  readonly token: string;
  readonly sessionId: bigint;
}

const MILLISECOND = sql`interval '1 millisecond'`;
const DUE = sql<boolean>`(probe_at is null or probe_at <= clock_timestamp()
  or probe_at > clock_timestamp() + probe_after_ms * ${MILLISECOND})`;

/** The API IDs that Telegram refused and has not taken again. */
export async function listOutages(tx: Tx): Promise<Outage[]> {
  const { rows } = await sql<Outage>`
    select api_id as "apiId", case when ${DUE} then 0
      else ceil(extract(epoch from probe_at - clock_timestamp()) * 1000)::float8 end as "probeInMs"
    from api_ids where out_of_service_at is not null and retired_at is null order by api_id`.execute(tx);
  return rows;
}

/**
 * Takes an API ID out of service, to be tried again after `probeAfterMs`; the first reason stays. Its sessions are held by
 * `holdPinned`. Gives false where it was out already.
 */
export async function putOutOfService(tx: Tx, apiId: number, reason: string, probeAfterMs = 60_000): Promise<boolean> {
  const { rows } = await sql`
    insert into api_ids as a (api_id, out_of_service_at, reason, refusals, probe_after_ms, probe_at)
    values (${apiId}, clock_timestamp(), ${reason}, 1, ${probeAfterMs}, clock_timestamp() + ${probeAfterMs} * ${MILLISECOND})
    on conflict (api_id) do update set (out_of_service_at, reason, refusals, probe_after_ms, probe_at,
        probe_token, probe_session_id, probe_until) =
      row (excluded.out_of_service_at, excluded.reason, 1, excluded.probe_after_ms, excluded.probe_at, null, null, null)
    where a.out_of_service_at is null
    returning api_id`.execute(tx);
  return rows.length > 0;
}

/** Puts an API ID back into service. Its sessions are given free by `releasePinned`. False where it was in service. */
export async function putInService(tx: Tx, apiId: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("api_ids")
    .set({ out_of_service_at: null, reason: null, refusals: 0, probe_at: null, ...NO_PROBE })
    .where("api_id", "=", apiId)
    .where("out_of_service_at", "is not", null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

const NO_PROBE = { probe_token: null, probe_session_id: null, probe_until: null } as const;

/**
 * Picks the one account that tries an API ID whose time has come, for all processes: an AUTHORIZED session which nothing
 * but the API ID's refusal holds, and whose account Telegram has not asked to wait. A claim that was never ended is taken
 * over once `claimMs` have passed, with the same session: its lease keeps the two apart. "no account" where none will do.
 */
export async function claimProbe(tx: WorkerTx, apiId: number, claimMs: number): Promise<Probe | "no account" | null> {
  const { rows: due } = await sql<{ left: string | null }>`
    select probe_session_id as "left" from api_ids
    where api_id = ${apiId} and out_of_service_at is not null and retired_at is null and ${DUE}
      and (probe_until is null or probe_until <= clock_timestamp()
        or probe_until > clock_timestamp() + ${claimMs} * ${MILLISECOND})
    for update skip locked`.execute(tx);
  if (!due[0]) return null;
  const { rows: fit } = await sql<{ id: bigint }>`
    select e.id from sessions e
    where e.api_id = ${apiId} and e.state = 'AUTHORIZED' and e.holds <@ array['api_id_out'] and e.ciphertext is not null
      and not exists (select from waits w where w.telegram_id = e.telegram_id and w.until > clock_timestamp())
    order by e.id = ${due[0].left}::int8 desc nulls last, random() limit 1`.execute(tx);
  if (!fit[0]) return "no account";
  const { rows } = await sql<{ token: string }>`
    update api_ids set probe_token = gen_random_uuid(), probe_session_id = ${fit[0].id},
      probe_until = clock_timestamp() + ${claimMs} * ${MILLISECOND}
    where api_id = ${apiId} returning probe_token as token`.execute(tx);
  return rows[0] ? { token: rows[0].token, sessionId: fit[0].id } : null;
}

/** Telegram refused it again: the next try comes after twice as long, `mostMs` at most. Nothing where the claim is not ours. */
export async function probeRefused(tx: WorkerTx, apiId: number, token: string, mostMs: number): Promise<void> {
  await sql`
    update api_ids set refusals = refusals + 1, probe_after_ms = least(probe_after_ms * 2, ${mostMs}),
      probe_at = clock_timestamp() + least(probe_after_ms * 2, ${mostMs}) * ${MILLISECOND},
      probe_token = null, probe_session_id = null, probe_until = null
    where api_id = ${apiId} and probe_token = ${token}`.execute(tx);
}

/** The try came to nothing either way: another one may follow after `againMs`. */
export async function probeUndecided(
  tx: WorkerTx,
  apiId: number,
  token: string | null,
  againMs: number,
): Promise<void> {
  await sql`
    update api_ids set probe_at = clock_timestamp() + ${againMs} * ${MILLISECOND},
      probe_token = null, probe_session_id = null, probe_until = null
    where api_id = ${apiId} and probe_token is not distinct from ${token}::uuid`.execute(tx);
}

/** Of a session `e` and its API ID's row `a`: whether the API ID serves it no more. Own API IDs are neither given nor taken by us. */
const SERVES_NO_MORE = sql`(a.out_of_service_at is not null
  or not e.own_api and (a.unconfigured_at is not null or a.retired_at is not null))`;

/**
 * Holds AUTHORIZED sessions whose API ID serves them no more, `limit` at most; a held session's schedule has no queue.
 * Gives their number: fewer than `limit` means that all are held.
 */
export async function holdPinned(tx: WorkerTx, limit = 1_000): Promise<number> {
  const { rows } = await sql<{ user_id: bigint }>`
    with picked as (
      select e.id from sessions e
      where e.state = 'AUTHORIZED' and not 'api_id_out' = any(e.holds)
        -- By the index, of few API IDs or none: said of each session, it would be asked of each.
        and e.api_id = any(array(select api_id from api_ids
          where out_of_service_at is not null or unconfigured_at is not null or retired_at is not null))
        and exists (select from api_ids a where a.api_id = e.api_id and ${SERVES_NO_MORE})
      order by e.api_id, e.id limit ${limit} for no key update of e)
    update sessions e set holds = array_append(holds, 'api_id_out') from picked where e.id = picked.id
    returning e.user_id`.execute(tx);
  await refreshQueues(
    tx,
    rows.map((row) => row.user_id),
  );
  return rows.length;
}

/** Gives the sessions of an API ID free that were held for it, `limit` at most, where it serves them again. */
export const releasePinned = (tx: WorkerTx, apiId: number, limit = 1_000): Promise<number> =>
  release(tx, sql`e.api_id = ${apiId}`, limit);

/**
 * The same for whatever was left held: whoever put an API ID back may have died over it. Not for people's own pairs: one of
 * them may be refused alone, for its hash.
 */
export const releaseLeft = (tx: WorkerTx, limit = 1_000): Promise<number> => release(tx, sql`not e.own_api`, limit);

async function release(tx: WorkerTx, whose: RawBuilder<unknown>, limit: number): Promise<number> {
  const { rows } = await sql<{ user_id: bigint }>`
    with picked as (
      select e.id from sessions e join api_ids a on a.api_id = e.api_id
      where ${whose} and e.state = 'AUTHORIZED' and e.holds <> '{}' and 'api_id_out' = any(e.holds) and not ${SERVES_NO_MORE}
      order by e.id limit ${limit} for no key update of e)
    update sessions e set holds = array_remove(holds, 'api_id_out') from picked where e.id = picked.id
    returning e.user_id`.execute(tx);
  await refreshQueues(
    tx,
    rows.map((row) => row.user_id),
  );
  return rows.length;
}
