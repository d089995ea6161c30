import { sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";

/** Which API IDs take no logins. */
export interface ClosedToLogins {
  /** Telegram refused them, and may take them again. */
  readonly out: ReadonlySet<number>;
  /** An operator has them leave: draining, or retired. */
  readonly leaving: ReadonlySet<number>;
}

export async function listClosedToLogins(tx: Tx): Promise<ClosedToLogins> {
  const rows = await tx
    .selectFrom("api_ids")
    .select(["api_id", "out_of_service_at", "draining_at", "retired_at"])
    .where((is) =>
      is.or([
        is("out_of_service_at", "is not", null),
        is("draining_at", "is not", null),
        is("retired_at", "is not", null),
      ]),
    )
    .execute();
  const ids = (which: (row: (typeof rows)[number]) => unknown) =>
    new Set(rows.filter((row) => which(row) !== null).map((row) => row.api_id));
  return { out: ids((row) => row.out_of_service_at), leaving: ids((row) => row.draining_at ?? row.retired_at) };
}

/** The API IDs whose sessions are held for them, and until when is not known: refused, retired, or not configured. */
export async function listServingNobody(tx: Tx): Promise<Set<number>> {
  const rows = await tx
    .selectFrom("api_ids")
    .select("api_id")
    .where((is) =>
      is.or([
        is("out_of_service_at", "is not", null),
        is("unconfigured_at", "is not", null),
        is("retired_at", "is not", null),
      ]),
    )
    .execute();
  return new Set(rows.map((row) => row.api_id));
}

/** An API ID that was seen in the configuration, that sessions have, or that is out of service. */
export interface ApiIdInUse {
  readonly apiId: number;
  readonly firstSeenAt: Date | null;
  readonly outOfServiceAt: Date | null;
  /** Why Telegram refused it, in its word; how often, and when one account tries it again. */
  readonly reason: string | null;
  readonly refusals: number;
  readonly probeAt: Date | null;
  readonly drainingAt: Date | null;
  readonly retiredAt: Date | null;
  /** Since when it has sessions and is not in the configuration. */
  readonly unconfiguredAt: Date | null;
  /** AUTHORIZED sessions, and those held among them. */
  readonly sessions: number;
  readonly held: number;
  /** Accounts among them that Telegram has frozen. */
  readonly frozen: number;
  /** Accounts that Telegram has frozen, or banned, within a day. */
  readonly frozenLately: number;
  readonly bannedLately: number;
}

export async function listApiIds(tx: WorkerTx): Promise<ApiIdInUse[]> {
  const { rows } = await sql<ApiIdInUse>`
    select api_id as "apiId", a.first_seen_at as "firstSeenAt", a.out_of_service_at as "outOfServiceAt", a.reason,
      coalesce(a.refusals, 0) as refusals, a.probe_at as "probeAt", a.draining_at as "drainingAt",
      a.retired_at as "retiredAt", a.unconfigured_at as "unconfiguredAt",
      coalesce(s.sessions, 0) as sessions, coalesce(s.held, 0) as held, coalesce(s.frozen, 0) as frozen,
      coalesce(l.frozen, 0) as "frozenLately", coalesce(l.banned, 0) as "bannedLately"
    from (
      select api_id, count(*)::int as sessions, (count(*) filter (where holds <> '{}'))::int as held,
        (count(*) filter (where 'frozen' = any(holds)))::int as frozen
      from sessions where state = 'AUTHORIZED' group by api_id
    ) s full join (
      select api_id, (count(*) filter (where kind = 'frozen'))::int as frozen,
        (count(*) filter (where kind = 'banned'))::int as banned
      from account_losses where at > now() - interval '1 day' group by api_id
    ) l using (api_id) full join api_ids a using (api_id)
    order by api_id`.execute(tx);
  return rows;
}

/** What the start of a scheduler found of the configuration's API IDs. */
export interface Configured {
  /** Never seen before. */
  readonly added: readonly number[];
  /** In the configuration again. */
  readonly back: readonly number[];
  /** Not in it any more, or never, though sessions are pinned to them. */
  readonly missing: readonly { readonly apiId: number; readonly sessions: number }[];
}

/**
 * Notes which API IDs are configured. Those that are not, and have sessions of ours, serve nobody from now on: an api_id
 * never changes for a session, and without its hash none is opened.
 */
export async function noteConfigured(tx: WorkerTx, configured: readonly number[]): Promise<Configured> {
  const { rows: added } = await sql<{ api_id: number }>`
    insert into api_ids (api_id) select unnest(${configured}::int4[]) on conflict do nothing returning api_id`.execute(
    tx,
  );
  const { rows: back } = await sql<{ api_id: number }>`
    update api_ids set unconfigured_at = null
    where api_id = any(${configured}::int4[]) and unconfigured_at is not null returning api_id`.execute(tx);
  const { rows: missing } = await sql<{ apiId: number; sessions: number }>`
    with pinned as (
      select api_id, count(*)::int as sessions from sessions
      where state = 'AUTHORIZED' and not own_api and api_id <> all(${configured}::int4[]) group by api_id
    ), noted as (
      insert into api_ids as a (api_id, unconfigured_at) select api_id, clock_timestamp() from pinned
      on conflict (api_id) do update set unconfigured_at = coalesce(a.unconfigured_at, excluded.unconfigured_at)
      returning api_id, retired_at
    )
    select api_id as "apiId", sessions from pinned join noted using (api_id) where retired_at is null order by api_id`.execute(
    tx,
  );
  return { added: added.map((row) => row.api_id), back: back.map((row) => row.api_id), missing };
}

/** Has an API ID take no logins any more, while its sessions go on. */
export async function drainApiId(tx: WorkerTx, apiId: number): Promise<void> {
  await sql`
    insert into api_ids as a (api_id, draining_at) values (${apiId}, clock_timestamp())
    on conflict (api_id) do update set draining_at = coalesce(a.draining_at, excluded.draining_at)`.execute(tx);
}

/** The API ID's work is over; sessions that are left to it are held from now on (`holdPinned`). */
export async function retireApiId(tx: WorkerTx, apiId: number): Promise<void> {
  await sql`
    insert into api_ids as a (api_id, retired_at) values (${apiId}, clock_timestamp())
    on conflict (api_id) do update set retired_at = coalesce(a.retired_at, excluded.retired_at), draining_at = null`.execute(
    tx,
  );
}

/** Takes back that it drains or was retired. */
export async function keepApiId(tx: WorkerTx, apiId: number): Promise<void> {
  await tx.updateTable("api_ids").set({ draining_at: null, retired_at: null }).where("api_id", "=", apiId).execute();
}

/** A session that an API ID of ours cannot go without. */
export interface PinnedSession {
  readonly id: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly apiId: number;
  readonly appId: string;
  readonly state: string;
}

/** The sessions pinned to an API ID of ours, logins under way among them: the oldest first. */
export async function pinnedTo(tx: WorkerTx, apiId: number): Promise<PinnedSession[]> {
  const { rows } = await sql<PinnedSession>`
    select id, tenant_id as "tenantId", telegram_id as "telegramId", api_id as "apiId",
      app_id as "appId", state from sessions
    where api_id = ${apiId} and not own_api and (state = 'AUTHORIZED' or state like 'PENDING%') order by id`.execute(
    tx,
  );
  return rows;
}
