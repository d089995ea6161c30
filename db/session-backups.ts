import { sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";

/** Under which those who would make a backup wait for one another. */
const LOCK_ID = "5381170923041886113";
/** A backup that nobody has ended for so long was left by a process that died. */
const LEFT = sql`interval '1 hour'`;
const KEPT = sql`interval '90 days'`;

export interface BackupMade {
  readonly file: string;
  readonly sessions: number;
  readonly bytes: number;
}

/**
 * Says that a backup of all sessions is being made, where one is due: none was completed within `everyMs`, none is under
 * way, and none failed within `retryMs`. Of many who ask, one is given its number; null for the others.
 */
export async function claimBackup(
  tx: WorkerTx,
  { everyMs, retryMs, host }: { everyMs: number; retryMs: number; host: string },
): Promise<bigint | null> {
  await sql`select pg_advisory_xact_lock(${LOCK_ID}::int8)`.execute(tx);
  const within = (ms: number) => sql`now() - ${ms} * interval '1 millisecond'`;
  const { rows } = await sql<{ id: bigint }>`
    insert into session_backups (host)
    select ${host} where not exists (
      select from session_backups where (outcome = 'done' and began_at > ${within(everyMs)})
        or (outcome = 'failed' and ended_at > ${within(retryMs)})
        or (outcome = 'running' and began_at > now() - ${LEFT}))
    returning id`.execute(tx);
  return rows[0]?.id ?? null;
}

/** Also forgets what is long past. */
export async function endBackup(
  tx: WorkerTx,
  id: bigint,
  made: BackupMade | { readonly error: string },
): Promise<void> {
  const done = "file" in made ? made : null;
  await sql`
    update session_backups set ended_at = now(), outcome = ${done ? "done" : "failed"}, file = ${done?.file ?? null},
      sessions = ${done?.sessions ?? null}, bytes = ${done?.bytes ?? null}, error = ${"error" in made ? made.error : null}
    where id = ${id}`.execute(tx);
  await sql`delete from session_backups where began_at < now() - ${KEPT}`.execute(tx);
}

/** Whoever was making it ends: another may begin at once. */
export async function giveUpBackup(tx: WorkerTx, id: bigint): Promise<void> {
  await sql`delete from session_backups where id = ${id}`.execute(tx);
}

/** One that an operator made. */
export async function noteBackup(tx: WorkerTx, host: string, beganAt: Date, made: BackupMade): Promise<void> {
  await sql`
    insert into session_backups (began_at, ended_at, outcome, host, file, sessions, bytes)
    values (${beganAt}, now(), 'done', ${host}, ${made.file}, ${made.sessions}, ${made.bytes})`.execute(tx);
}

export interface BackupsSoFar {
  readonly newest: (BackupMade & { readonly host: string; readonly endedAt: Date }) | null;
  /** What has failed since. */
  readonly failure: { readonly error: string; readonly host: string; readonly endedAt: Date } | null;
}

export async function backupsSoFar(tx: Tx): Promise<BackupsSoFar> {
  const { rows } = await sql<BackupsSoFar>`
    with newest as (select * from session_backups where outcome = 'done' order by ended_at desc limit 1)
    select
      (select jsonb_build_object('file', file, 'sessions', sessions, 'bytes', bytes, 'host', host, 'endedAt', ended_at)
        from newest) as newest,
      (select jsonb_build_object('error', error, 'host', host, 'endedAt', ended_at) from session_backups
        where outcome = 'failed' and ended_at > coalesce((select ended_at from newest), '-infinity')
        order by ended_at desc limit 1) as failure`.execute(tx);
  const { newest, failure } = rows[0] ?? { newest: null, failure: null };
  const timed = <T extends { endedAt: Date }>(row: T | null) => row && { ...row, endedAt: new Date(row.endedAt) };
  return { newest: timed(newest), failure: timed(failure) };
}
