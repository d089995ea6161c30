import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import { usersHeldByWaits } from "./waits.ts";

/** What PostgreSQL says of itself. */
export interface ServerFacts {
  readonly version: string;
  /** Whether it only follows a primary, and takes no writes. */
  readonly isReplica: boolean;
  readonly replicas: number;
  readonly connections: number;
  readonly maxConnections: number;
  readonly now: Date;
}

export async function serverFacts(tx: WorkerTx): Promise<ServerFacts> {
  const { rows } = await sql<ServerFacts>`
    select split_part(current_setting('server_version'), ' ', 1) as version, pg_is_in_recovery() as "isReplica",
      (select count(*)::int from pg_stat_replication) as replicas,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
      current_setting('max_connections')::int as "maxConnections", clock_timestamp() as now`.execute(tx);
  if (!rows[0]) throw new Error("no answer");
  return rows[0];
}

/** How the schedule is kept; accounts that Telegram has asked to wait are neither due nor late. */
export interface ScheduleFacts {
  readonly schedulable: number;
  readonly due: number;
  readonly underWay: number;
  /** Due for longer than `lateMs`, and not parsed yet. */
  readonly late: number;
  readonly worstLagSeconds: number;
}

export async function scheduleFacts(tx: WorkerTx, lateMs: number): Promise<ScheduleFacts> {
  const { rows } = await sql<ScheduleFacts>`
    select count(*)::int as schedulable,
      count(*) filter (where free and claimed_at is null and next_parse_at <= now())::int as due,
      count(*) filter (where claimed_at is not null)::int as "underWay",
      count(*) filter (where free and next_parse_at < now() - ${lateMs} * interval '1 millisecond')::int as late,
      coalesce(extract(epoch from now() - min(next_parse_at) filter (where free and next_parse_at <= now())), 0)::float8
        as "worstLagSeconds"
    from (
      select *, user_id not in (${usersHeldByWaits}) as free from schedules where queue is not null
    ) s`.execute(tx);
  if (!rows[0]) throw new Error("no answer");
  return rows[0];
}

export interface SessionFacts {
  readonly usable: number;
  readonly stale: number;
  readonly pending: number;
  /** AUTHORIZED, and not used, by what holds them. */
  readonly held: Readonly<Record<string, number>>;
  /** Ended by Telegram within the last hour. */
  readonly endedLately: number;
  /** By which keys they are sealed, and how many by each. */
  readonly keys: Readonly<Record<string, number>>;
  readonly leased: number;
}

export async function sessionFacts(tx: WorkerTx): Promise<SessionFacts> {
  const { rows } = await sql<SessionFacts>`
    select count(*) filter (where state = 'AUTHORIZED' and holds = '{}')::int as usable,
      count(*) filter (where state = 'STALE')::int as stale,
      count(*) filter (where state like 'PENDING%')::int as pending,
      (select coalesce(jsonb_object_agg(hold, count), '{}') from (
        select hold, count(*) from sessions, unnest(holds) hold where state = 'AUTHORIZED' group by hold) h) as held,
      (select count(*)::int from session_events
        where from_state = 'AUTHORIZED' and to_state = 'STALE' and at > now() - interval '1 hour') as "endedLately",
      (select coalesce(jsonb_object_agg(key_id, count), '{}') from (
        select key_id, count(*) from sessions where key_id is not null group by key_id) k) as keys,
      (select count(*)::int from leases) as leased
    from sessions`.execute(tx);
  if (!rows[0]) throw new Error("no answer");
  return rows[0];
}
