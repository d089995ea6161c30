import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from "kysely";
import pg from "pg";
import type { LeaseRef } from "./database.ts";
import { types } from "./postgres-types.ts";

/** The heartbeat's own connection to PostgreSQL, with short timeouts, so that a busy pool delays no beat. */
export interface Heartbeat {
  /**
   * Raises `beat` of all of them in one statement, in id order; gives back those that are still ours. Throws where
   * PostgreSQL does not answer in time; the next beat takes a new connection.
   *
   * @param here only in the database that it is meant for (`stillOurs`): none is ours in a copy of it
   */
  beat(leases: readonly LeaseRef[], here?: RawBuilder<boolean>): Promise<readonly LeaseRef[]>;
  close(): Promise<void>;
}

/** Locks in id order, so that two heartbeats never wait for each other; passes the key share locks of fenced transactions. */
const beatOf = (leases: readonly LeaseRef[], here: RawBuilder<boolean>) => sql<LeaseRef>`
  with ours as (
    select l.session_id, l.token
    from leases l
    join unnest(${leases.map((lease) => lease.sessionId)}::int8[], ${leases.map((lease) => lease.token)}::uuid[])
      as o(session_id, token) on l.session_id = o.session_id and l.token = o.token
    where ${here}
    order by l.session_id
    for no key update of l
  )
  update leases l set beat = beat + 1
  from ours where l.session_id = ours.session_id and l.token = ours.token
  returning l.session_id as "sessionId", l.token`;

/** Writes statements, and asks nobody: the heartbeat's connection is its own. */
const WRITER = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** Connects at once. @throws where PostgreSQL does not answer within `timeoutMs` */
export async function openHeartbeat(options: { url: string; timeoutMs: number }): Promise<Heartbeat> {
  let client: pg.Client | null = null;
  let closed = false;

  const connect = async (): Promise<pg.Client> => {
    const fresh = new pg.Client({
      connectionString: options.url,
      connectionTimeoutMillis: options.timeoutMs,
      query_timeout: options.timeoutMs,
      application_name: "gramfleet-heartbeat",
      keepAlive: true,
      types,
    });
    fresh.on("error", () => drop(fresh));
    try {
      await fresh.connect();
    } catch (error) {
      drop(fresh);
      throw error;
    }
    return fresh;
  };
  /** A connection that failed once is not asked again: an answer that comes late must not be taken for the next one. */
  const drop = (failed: pg.Client): void => {
    if (client === failed) client = null;
    failed.end().catch(() => undefined);
  };

  client = await connect();
  return {
    async beat(leases, here = sql`true`) {
      if (leases.length === 0) return [];
      if (closed) throw new Error("the heartbeat is closed");
      client ??= await connect();
      const current = client;
      try {
        const { sql: text, parameters } = beatOf(leases, here).compile(WRITER);
        const { rows } = await current.query<LeaseRef>(text, [...parameters]);
        return rows;
      } catch (error) {
        drop(current);
        throw error;
      }
    },
    async close() {
      closed = true;
      const current = client;
      client = null;
      await current?.end().catch(() => undefined);
    },
  };
}
