import { sql } from "kysely";
import type { AppTx } from "./database.ts";
import { newToken, sha256 } from "./secret-tokens.ts";

/** Who signed in, and by which password and role: see `version` in `config/admin-users.ts`. */
export interface BoardSession {
  readonly name: string;
  readonly userVersion: Buffer;
}

/** Signs somebody in for `forMs`, beside where they are already. The token is in clear only in what comes back. */
export async function createBoardSession(tx: AppTx, session: BoardSession, forMs: number): Promise<string> {
  const token = newToken();
  await sql`
    with expired as (delete from board_sessions where expires_at < now())
    insert into board_sessions (token_hash, name, user_version, expires_at)
    values (${sha256(token)}, ${session.name}, ${session.userVersion}, now() + ${forMs} * interval '1 millisecond')
  `.execute(tx);
  return token;
}

/** Whose token this is; null where it is nobody's, or its time is over. */
export async function findBoardSession(tx: AppTx, token: string): Promise<BoardSession | null> {
  const { rows } = await sql<BoardSession>`
    select name, user_version as "userVersion" from board_sessions
    where token_hash = ${sha256(token)} and expires_at > now()`.execute(tx);
  return rows[0] ?? null;
}

export async function deleteBoardSession(tx: AppTx, token: string): Promise<void> {
  await sql`delete from board_sessions where token_hash = ${sha256(token)}`.execute(tx);
}
