import { sql } from "kysely";
import type { Held, Tx, WorkerTx } from "./database.ts";
import { toStorable } from "./storable.ts";
import { ofTenant } from "./tenant.ts";

export interface Run {
  readonly tenantId: string;
  readonly userId: bigint;
  /** The `next_parse_at` that this run served: lag counts from here. */
  readonly slot: Date;
  readonly startedAt: Date;
  readonly plan: string;
  readonly outcome: "done" | "failed" | "waiting";
  readonly error: string | null;
  readonly channels: number;
  readonly channelsChanged: number;
  readonly calls: number;
  readonly waits: number;
  readonly added: number;
  readonly edited: number;
  readonly deleted: number;
}

/**
 * The end of a run, whatever its outcome, in one statement: recorded (`finished_at` is the database's clock), none in
 * flight any more, and the next one at `nextParseAt`.
 *
 * @param held the lease under which it ended; without it, none is asked for
 * @returns false where the lease is not ours any more: nothing was written
 */
export async function endRun(tx: WorkerTx, run: Run, nextParseAt: Date, held: Held = sql`(select)`): Promise<boolean> {
  const error = run.error === null ? null : toStorable(run.error);
  const { rows } = await sql<{ held: boolean }>`
    with held as materialized ${held}, run as (
      insert into runs (tenant_id, user_id, slot, started_at, plan, outcome, error, channels, channels_changed, calls,
        waits, messages_new, messages_edited, messages_deleted)
      select ${run.tenantId}, ${run.userId}::int8, ${run.slot}::timestamptz, ${run.startedAt}::timestamptz, ${run.plan},
        ${run.outcome}, ${error}, ${run.channels}::int4, ${run.channelsChanged}::int4, ${run.calls}::int4,
        ${run.waits}::int4, ${run.added}::int4, ${run.edited}::int4, ${run.deleted}::int4
      from held
    ), scheduled as (
      update schedules set claimed_at = null, next_parse_at = ${nextParseAt}
      where user_id = ${run.userId} and exists (select from held)
    )
    select exists (select from held) as held`.execute(tx);
  return rows[0]?.held === true;
}

export interface RunTotals {
  /** Runs that are done. */
  readonly parses: number;
  readonly failed: number;
  readonly added: number;
  readonly edited: number;
  readonly deleted: number;
}

/** Sums over runs finished at or after `since`; what a failed or waiting run had stored counts too. */
export async function runTotals(tx: Tx, since: Date): Promise<RunTotals> {
  const { rows } = await sql<RunTotals>`
    select count(*) filter (where outcome = 'done')::int as parses,
      count(*) filter (where outcome = 'failed')::int as failed,
      coalesce(sum(messages_new), 0)::int as added,
      coalesce(sum(messages_edited), 0)::int as edited,
      coalesce(sum(messages_deleted), 0)::int as deleted
    from runs where finished_at >= ${since} and ${ofTenant("tenant_id")}`.execute(tx);
  return rows[0] ?? { parses: 0, failed: 0, added: 0, edited: 0, deleted: 0 };
}

export interface Lag {
  /** Seconds. */
  readonly p50: number;
  readonly p99: number;
  readonly runs: number;
}

/**
 * Lag quantiles by plan in seconds, from slot to `finished_at`, of runs that are done and finished since; each user's
 * first run since is left out. Key "all" sums up; it is missing where there is no run.
 */
export async function lagSince(tx: Tx, since: Date): Promise<Map<string, Lag>> {
  const { rows } = await sql<Lag & { plan: string | null }>`
    select plan, count(*)::int as runs,
      percentile_cont(0.5) within group (order by lag) as p50,
      percentile_cont(0.99) within group (order by lag) as p99
    from (
      select plan, extract(epoch from finished_at - slot)::float8 as lag,
        row_number() over (partition by user_id order by id) as turn
      from runs where finished_at >= ${since} and outcome = 'done' and ${ofTenant("tenant_id")}
    ) r
    where turn > 1
    group by grouping sets ((plan), ())
    having count(*) > 0`.execute(tx);
  return new Map(rows.map(({ plan, ...lag }) => [plan ?? "all", lag]));
}

/** A user's runs, the newest first. */
export async function lastRuns(tx: Tx, userId: bigint, limit: number): Promise<(Run & { finishedAt: Date })[]> {
  const rows = await tx
    .selectFrom("runs")
    .selectAll()
    .where("user_id", "=", userId)
    .where(ofTenant("tenant_id"))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    userId: row.user_id,
    slot: row.slot,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    plan: row.plan,
    outcome: row.outcome as Run["outcome"],
    error: row.error,
    channels: row.channels,
    channelsChanged: row.channels_changed,
    calls: row.calls,
    waits: row.waits,
    added: row.messages_new,
    edited: row.messages_edited,
    deleted: row.messages_deleted,
  }));
}
