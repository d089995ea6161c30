import { Kysely, type KyselyPlugin, sql, type Transaction } from "kysely";
import pg from "pg";
import { type Failpoint, noFailpoint } from "../runtime/failpoint.ts";
import type { Log } from "../runtime/log.ts";
import { actingAs, type Role } from "./acting-as.ts";
import {
  type AppTx,
  type BackupTx,
  type Database,
  type Held,
  LeaseGone,
  type LeaseRef,
  type PoolLoad,
  type TenantTx,
  type Tx,
  type WorkerTx,
} from "./database.ts";
import { types } from "./postgres-types.ts";
import { PreparingPool } from "./prepared.ts";
import type { Schema } from "./schema.ts";
import { type SessionTransition, transitionsOf } from "./transition-watch.ts";
import { answering } from "./unreachable.ts";

/** How long a transaction waits for a connection, a free one or a new one, before it fails. */
const CONNECT_TIMEOUT_MS = 15_000;

export interface DatabaseOptions {
  /** `postgresql://…`, also with `?host=/directory` for a unix socket. */
  readonly url: string;
  /** Where the fleet's own transactions go, and an operator's; `url` unless given. */
  readonly workerUrl?: string | null;
  readonly ownerUrl?: string | null;
  readonly poolSize: number;
  /** The statement timeout of fenced transactions: below the quiet time. */
  readonly fencedStatementMs: number;
  readonly log: Log;
  /** How long a transaction waits for a connection; 15 s. */
  readonly connectTimeoutMs?: number;
  /** False in fault tests alone, which must be seen to fail without the fence. */
  readonly fenced?: boolean;
  readonly failpoint?: Failpoint;
  /** Called for each transition of a session that this process has committed: for metrics. */
  readonly onTransition?: (transition: SessionTransition) => void;
  /** Called where PostgreSQL refuses a statement for want of a right (row security, a missing grant): for metrics. */
  readonly onDenied?: () => void;
}

/** SQLSTATE `insufficient_privilege`. */
const DENIED = "42501";

/**
 * Opens a pool of connections to PostgreSQL. Nothing is connected before the first transaction, and connections that
 * PostgreSQL drops are replaced by the next one.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { fenced = true, failpoint = noFailpoint } = options;
  const pools = new Map<string, PreparingPool>();
  const poolOf = (url: string): PreparingPool => {
    const pool = pools.get(url) ?? new PreparingPool(openPool(url, options));
    pools.set(url, pool);
    return pool;
  };
  const urlOf: Record<Role, string> = {
    app: options.url,
    worker: options.workerUrl ?? options.url,
    owner: options.ownerUrl ?? options.url,
    backup: options.ownerUrl ?? options.workerUrl ?? options.url,
  };
  const as = (role: Role) => new Kysely<Schema>({ dialect: actingAs(role, poolOf(urlOf[role])) });
  const [app, worker, owner, backup] = [as("app"), as("worker"), as("owner"), as("backup")];
  const watched = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      if (error instanceof pg.DatabaseError && error.code === DENIED) options.onDenied?.();
      throw error;
    });
  const transact = async <Scope extends Tx | AppTx, T>(
    db: Kysely<Schema>,
    work: (tx: Scope) => Promise<T>,
  ): Promise<T> => {
    let committed: readonly SessionTransition[] = [];
    const result = await watched(
      db.transaction().execute(async (tx) => {
        const done = await work(tx as Scope);
        committed = transitionsOf(tx as unknown as Tx);
        return done;
      }),
    );
    for (const transition of committed) options.onTransition?.(transition);
    return result;
  };

  const picture = <T>(db: Kysely<Schema>, work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> =>
    watched(
      db
        .transaction()
        .setIsolationLevel("repeatable read")
        .setAccessMode("read only")
        .execute((tx) => work(tx)),
    );

  const alone = () => worker.withPlugin(oneStatement()) as unknown as WorkerTx;

  return {
    inTenant<T>(tenantId: string, work: (tx: TenantTx) => Promise<T>) {
      return transact(app, async (tx: TenantTx): Promise<T> => {
        await sql`select set_config('gramfleet.tenant', ${tenantId}, true)`.execute(tx);
        return work(tx);
      });
    },
    asApp: (work) => transact(app, work),
    asWorker: (work) => transact(worker, work),
    asOwner: (work) => transact(owner, work),
    asBackup: (work) => picture(backup, (tx) => work(tx as BackupTx)),
    once: (work) => watched(work(alone())),
    async underLease<T>(lease: LeaseRef, work: (tx: WorkerTx) => Promise<T>) {
      const result = await transact(worker, async (tx: WorkerTx): Promise<T> => {
        if (fenced) await fence(tx, lease, options.fencedStatementMs);
        const written = await work(tx);
        failpoint("committing");
        return written;
      });
      failpoint("committed");
      return result;
    },
    async onceUnderLease(lease, work) {
      failpoint("committing");
      const held = await watched(work(alone(), fenced ? heldRow(lease) : NO_FENCE));
      if (!held) throw new LeaseGone(`the lease of session ${lease.sessionId} is not ours any more`);
      failpoint("committed");
    },
    snapshot: (work) => picture(worker, (tx) => work(tx as WorkerTx)),
    check: () => answering(async () => void (await poolOf(urlOf.worker).plain.query("select 1"))),
    load: () =>
      loadOf(
        [...pools.values()].map(({ plain }) => plain),
        options.poolSize,
      ),
    close: async () => void (await Promise.all([app, worker, owner, backup].map((each) => each.destroy()))),
  };
}

function openPool(url: string, { poolSize, connectTimeoutMs, log }: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    application_name: "gramfleet",
    keepAlive: true,
    types,
  });
  // Without a listener of its own each of these would end the process when PostgreSQL restarts.
  pool.on("error", (error) => log.warn({ err: error }, "PostgreSQL connection lost"));
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ err: error }, "PostgreSQL connection broke"));
  });
  return pool;
}

const loadOf = (pools: readonly pg.Pool[], poolSize: number): PoolLoad => ({
  inUse: pools.reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0),
  idle: pools.reduce((sum, pool) => sum + pool.idleCount, 0),
  waiting: pools.reduce((sum, pool) => sum + pool.waitingCount, 0),
  most: pools.length * poolSize,
});

/**
 * A key share lock on the lease's row: a heartbeat passes it, a taker waits for it. The timeout is of what follows. A
 * process that stands still between two statements ends no transaction: PostgreSQL does, or the taker waits for ever.
 */
async function fence(tx: WorkerTx, lease: LeaseRef, statementMs: number): Promise<void> {
  const held = await sql`
    select set_config('statement_timeout', ${String(statementMs)}, true),
      set_config('idle_in_transaction_session_timeout', ${String(statementMs * 2)}, true)
    from leases where session_id = ${lease.sessionId} and token = ${lease.token} for key share
  `.execute(tx);
  if (held.rows.length === 0) throw new LeaseGone(`the lease of session ${lease.sessionId} is not ours any more`);
}

const heldRow = (lease: LeaseRef): Held =>
  sql`(select from leases where session_id = ${lease.sessionId} and token = ${lease.token} for key share)`;
const NO_FENCE: Held = sql`(select)`;

function oneStatement(): KyselyPlugin {
  let statements = 0;
  return {
    transformQuery({ node }) {
      statements += 1;
      if (statements > 1) throw new Error("a second statement needs a transaction");
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}
