import { sql } from "kysely";
import type { Tx, WorkerTx } from "./database.ts";

/** What a clock that was set back has written lies in the future, and must hold nobody up. */
const DUE = (everyMs: number) => sql`
  (t.began_at < now() - ${everyMs} * interval '1 millisecond' or t.began_at > now() + interval '1 minute')`;

/** True for one scheduler each `everyMs`, whoever asks first. */
export async function beginTask(tx: WorkerTx, task: string, everyMs: number): Promise<boolean> {
  const { rows } = await sql`
    insert into maintenance_tasks as t (task) values (${task})
    on conflict (task) do update set began_at = now() where ${DUE(everyMs)}
    returning 1`.execute(tx);
  return rows.length > 0;
}

export async function taskSucceeded(tx: WorkerTx, task: string): Promise<void> {
  await sql`update maintenance_tasks set succeeded_at = now() where task = ${task}`.execute(tx);
}

/** When each was last begun, and last came to its end. */
export interface TaskState {
  readonly task: string;
  readonly beganAt: Date;
  readonly succeededAt: Date | null;
  /** Since it last came to its end, or since it was first begun. */
  readonly secondsAgo: number;
}

export async function taskStates(tx: Tx): Promise<TaskState[]> {
  const { rows } = await sql<TaskState>`
    select task, began_at as "beganAt", succeeded_at as "succeededAt",
      extract(epoch from now() - coalesce(succeeded_at, created_at))::float8 as "secondsAgo"
    from maintenance_tasks order by task`.execute(tx);
  return rows;
}
