import { type Selectable, sql } from "kysely";
import type { WorkerTx } from "./database.ts";
import type { Schema } from "./schema.ts";
import { INFO, type SessionInfo, toInfo } from "./session-row.ts";
import { toUser, USER, type User } from "./users.ts";

/** Whom a run is for. */
export interface StartedRun {
  readonly user: User;
  /** The session that parses use: AUTHORIZED first, else the newest. Null where there is none. */
  readonly session: SessionInfo | null;
  /** When the run was due. */
  readonly nextParseAt: Date;
  /** The database's clock, by which schedules go. */
  readonly serverNow: Date;
}

type SessionColumn = (typeof INFO)[number];
type SessionRow = Pick<Selectable<Schema["sessions"]>, SessionColumn>;
type Row = Pick<Selectable<Schema["users"]>, (typeof USER)[number]> & {
  readonly next_parse_at: Date;
  readonly server_now: Date;
} & {
  readonly [Column in SessionColumn as `session_${Column}`]: SessionRow[Column] | null;
};

/** Marks the user's run as started and gives what it needs, in one statement. Null where there is no such user. */
export async function startRun(tx: WorkerTx, userId: bigint): Promise<StartedRun | null> {
  const { rows } = await sql<Row>`
    with started as (
      update schedules set last_started_at = now() where user_id = ${userId} returning user_id, next_parse_at
    )
    select ${userColumns}, started.next_parse_at, now() as server_now, ${sessionColumns}
    from started join users u on u.id = started.user_id
    left join lateral (
      select * from sessions where user_id = u.id order by state = 'AUTHORIZED' desc, id desc limit 1
    ) e on true`.execute(tx);
  const row = rows[0];
  if (!row) return null;
  return { user: toUser(row), session: sessionIn(row), nextParseAt: row.next_parse_at, serverNow: row.server_now };
}

const userColumns = sql.join(USER.map((name) => sql.ref(`u.${name}`)));
const sessionColumns = sql.join(INFO.map((name) => sql`${sql.ref(`e.${name}`)} as ${sql.ref(`session_${name}`)}`));

function sessionIn(row: Row): SessionInfo | null {
  if (row.session_id === null) return null;
  return toInfo(Object.fromEntries(INFO.map((name) => [name, row[`session_${name}`]])) as SessionRow);
}
