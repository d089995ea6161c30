import { sql } from "kysely";
import type { Tx } from "./database.ts";
import type { SessionState } from "./schema.ts";
import { ofTenant } from "./tenant.ts";

/** What keeps a user from being parsed now, or nothing. */
export interface ParseFacts {
  readonly userId: bigint;
  readonly tenantId: string;
  readonly telegramId: bigint;
  readonly paused: boolean;
  readonly sessionState: SessionState | null;
  readonly holds: readonly string[];
  /** Null where nobody can parse this user. */
  readonly queue: string | null;
}

/** Of these users, in the order given. */
export async function parseFacts(tx: Tx, userIds: readonly bigint[]): Promise<ParseFacts[]> {
  const { rows } = await sql<ParseFacts>`
    select u.id as "userId", u.tenant_id as "tenantId", u.telegram_id as "telegramId", u.paused,
      e.state as "sessionState", coalesce(e.holds, '{}') as holds, s.queue
    from users u
    left join schedules s on s.user_id = u.id
    left join lateral (
      select state, holds from sessions where user_id = u.id order by state = 'AUTHORIZED' desc, id desc limit 1
    ) e on true
    where u.id = any(${[...userIds]}::int8[]) and ${ofTenant("u.tenant_id")}
    order by array_position(${[...userIds]}::int8[], u.id)`.execute(tx);
  return rows;
}

/** How a run that was waited for has ended. */
export interface EndedRun {
  readonly outcome: "done" | "failed" | "waiting";
  readonly error: string | null;
  readonly channels: number;
  readonly changed: number;
  readonly new: number;
  readonly edited: number;
  readonly deleted: number;
  readonly calls: number;
  readonly waits: number;
  readonly seconds: number;
}

export interface ParseProgress {
  readonly userId: bigint;
  /** `due`: nobody has taken the user up yet, or an earlier run has just ended. */
  readonly state: "due" | "queued" | "running" | "ended";
  readonly run: EndedRun | null;
}

/**
 * How far the parses of these users are that were asked for at `since`, by the database's clock: the first run that began
 * after that counts, since an earlier one may have looked before.
 */
export async function parseProgress(tx: Tx, userIds: readonly bigint[], since: Date): Promise<ParseProgress[]> {
  const { rows } = await sql<ParseProgress>`
    select s.user_id as "userId",
      case when r.run is not null then 'ended'
        when s.claimed_at is null then 'due'
        when s.last_started_at >= greatest(s.claimed_at, ${since}) then 'running' else 'queued' end as state,
      r.run
    from schedules s
    left join lateral (
      select jsonb_build_object('outcome', outcome, 'error', error, 'channels', channels, 'changed', channels_changed,
        'new', messages_new, 'edited', messages_edited, 'deleted', messages_deleted, 'calls', calls, 'waits', waits,
        'seconds', round(extract(epoch from finished_at - started_at)::numeric, 3)) as run
      from runs where user_id = s.user_id and started_at >= ${since} order by id limit 1
    ) r on true
    where s.user_id = any(${[...userIds]}::int8[]) and ${ofTenant("s.tenant_id")}`.execute(tx);
  return rows;
}
