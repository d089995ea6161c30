import { sql } from "kysely";
import { longAgo } from "./both-clocks.ts";
import type { WorkerTx } from "./database.ts";

interface Old {
  readonly now: Date;
  /** How old. */
  readonly ms: number;
  /** At most so many rows: a batch holds no lock for long. */
  readonly limit: number;
}

/**
 * Adds the oldest runs to the sums of their day, tenant and plan, and deletes them, in one statement: a row counts once,
 * however often this is broken off. Gives their number.
 */
export async function rollUpRuns(tx: WorkerTx, old: Old): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with oldest as materialized (
      select id, finished_at from runs order by id limit ${old.limit} for update skip locked
    ), gone as (
      delete from runs r using oldest o where r.id = o.id and o.finished_at < ${longAgo(old)}
      returning r.tenant_id, (r.finished_at at time zone 'UTC')::date as day, r.plan, r.outcome, r.calls, r.waits,
        r.messages_new, r.messages_edited, r.messages_deleted
    ), summed as (
      insert into runs_daily as d
      select tenant_id, day, plan, count(*) filter (where outcome = 'done'), count(*) filter (where outcome = 'failed'),
        count(*) filter (where outcome = 'waiting'), sum(calls), sum(waits), sum(messages_new), sum(messages_edited),
        sum(messages_deleted)
      from gone group by tenant_id, day, plan
      on conflict (tenant_id, day, plan) do update set
        done = d.done + excluded.done, failed = d.failed + excluded.failed, waiting = d.waiting + excluded.waiting,
        calls = d.calls + excluded.calls, waits = d.waits + excluded.waits,
        messages_new = d.messages_new + excluded.messages_new,
        messages_edited = d.messages_edited + excluded.messages_edited,
        messages_deleted = d.messages_deleted + excluded.messages_deleted
    )
    select count(*)::int as count from gone`.execute(tx);
  return rows[0]?.count ?? 0;
}

/** The same with sessions' histories, of which each session's newest line stays: it says how the session came to be so. */
export async function rollUpSessionEvents(tx: WorkerTx, old: Old): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with oldest as materialized (
      select v.id from session_events v
      where v.at < ${longAgo(old)} and exists (
        select from session_events later where later.session_id = v.session_id and later.id > v.id)
      order by v.at limit ${old.limit} for update skip locked
    ), gone as (
      delete from session_events v using oldest o where v.id = o.id
      returning v.tenant_id, (v.at at time zone 'UTC')::date as day, v.from_state, v.to_state,
        coalesce(v.reason, '') as reason
    ), summed as (
      insert into session_events_daily as d
      select tenant_id, day, from_state, to_state, reason, count(*)::int from gone
      group by tenant_id, day, from_state, to_state, reason
      on conflict (tenant_id, day, from_state, to_state, reason) do update set events = d.events + excluded.events
    )
    select count(*)::int as count from gone`.execute(tx);
  return rows[0]?.count ?? 0;
}
