import { sql } from "kysely";
import type { Log } from "../runtime/log.ts";
import { longAgo } from "./both-clocks.ts";
import type { Tx, WorkerTx } from "./database.ts";
import { listen, type PostListener } from "./listen.ts";
import { setHold } from "./session-transitions.ts";
import { ofTenant } from "./tenant.ts";

const CHANNEL = "gramfleet_revocations";

/** Why a session is to be logged out: somebody asked for it, or nobody has used it for long. */
export type RevocationReason = "asked" | "idle";

/** The reason that is recorded where the key went without a log-out: it still stands among the account's devices. */
export const unlogged = (reason: RevocationReason): string => `${reason}, not logged out`;

/**
 * From the commit on nobody opens the session any more, and whoever has it open closes it: told by NOTIFY at once, and
 * seen at the next look at the leases in any case. It is logged out, and its key deleted, by the job `revoke-session`;
 * until then this is remembered, so that a lost job is asked for again. Asked for twice is asked for once; of a session
 * that has no key nothing is asked.
 */
export async function askRevocation(tx: Tx, sessionId: bigint, reason: RevocationReason): Promise<void> {
  const { rows } = await sql`
    insert into session_revocations (session_id, tenant_id, reason)
    select id, tenant_id, ${reason} from sessions
    where id = ${sessionId} and state in ('AUTHORIZED', 'STALE') and ${ofTenant("tenant_id")}
    on conflict (session_id) do nothing
    returning 1`.execute(tx);
  if (rows.length === 0) return;
  await setHold(tx, sessionId, "revoking", true);
  await sql`select pg_notify(${CHANNEL}, '')`.execute(tx);
}

/** Why this session is to be logged out; null where nobody wants it. */
export async function revocationOf(tx: Tx, sessionId: bigint): Promise<RevocationReason | null> {
  const row = await tx
    .selectFrom("session_revocations")
    .select("reason")
    .where("session_id", "=", sessionId)
    .executeTakeFirst();
  return row?.reason ?? null;
}

/** Those of these sessions that are to be logged out. */
export async function revokedAmong(tx: WorkerTx, sessionIds: readonly bigint[]): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select session_id as id from session_revocations where session_id = any(${[...sessionIds]}::int8[])`.execute(tx);
  return rows.map(({ id }) => id);
}

/** A hint, as `db/listen` says: called whenever a revocation is asked for, and each time it begins to listen. */
export function listenForRevocations(options: {
  readonly url: string;
  readonly onAsked: () => void;
  readonly retryMs: number;
  readonly log: Pick<Log, "info">;
}): PostListener {
  const { url, retryMs, log, onAsked } = options;
  return listen({ url, retryMs, log, channel: CHANNEL, onPayload: onAsked });
}

/** A revocation whose job is to be enqueued. */
export interface OpenRevocation {
  readonly sessionId: bigint;
  readonly tenantId: string;
  readonly apiId: number;
  readonly ownApi: boolean;
}

/**
 * Takes up to `limit` revocations, the oldest first, whose job was never enqueued, or so long ago that it must have
 * failed or been lost, and marks them.
 */
export async function claimOpenRevocations(
  tx: WorkerTx,
  options: { readonly againMs: number; readonly limit: number },
): Promise<OpenRevocation[]> {
  const { rows } = await sql<OpenRevocation>`
    with due as (
      select session_id from session_revocations
      where enqueued_at is null and asked_at < now() - interval '5 seconds'
        or enqueued_at < now() - ${options.againMs} * interval '1 millisecond'
      order by asked_at limit ${options.limit} for update skip locked
    ), marked as (
      update session_revocations r set enqueued_at = now() from due where r.session_id = due.session_id
      returning r.session_id
    )
    select e.id as "sessionId", e.tenant_id as "tenantId", e.api_id as "apiId", e.own_api as "ownApi"
    from marked m join sessions e on e.id = m.session_id`.execute(tx);
  return rows;
}

/** Revocations that have come to nothing for so long that their keys are to go without being logged out. */
export async function hopelessRevocations(
  tx: WorkerTx,
  options: { readonly now: Date; readonly afterMs: number; readonly limit: number },
): Promise<{ readonly sessionId: bigint; readonly reason: RevocationReason }[]> {
  const { rows } = await sql<{ sessionId: bigint; reason: RevocationReason }>`
    select session_id as "sessionId", reason from session_revocations
    where asked_at < ${longAgo({ now: options.now, ms: options.afterMs })}
    order by asked_at limit ${options.limit}`.execute(tx);
  return rows;
}
