import type { RawBuilder, Transaction } from "kysely";
import type { Schema } from "./schema.ts";

declare const scope: unique symbol;

/** A transaction that acts for one tenant (api, bot, command line). */
export type TenantTx = Transaction<Schema> & { readonly [scope]: "tenant" };
/** A transaction of the fleet's own processes, over all tenants. */
export type WorkerTx = Transaction<Schema> & { readonly [scope]: "worker" };
/** A transaction for what is no tenant's, and before it is known whose something is: of tenants it sees nothing. */
export type AppTx = Transaction<Schema> & { readonly [scope]: "app" };
/** A transaction that may do everything, for an operator at the command line. */
export type OwnerTx = Transaction<Schema> & { readonly [scope]: "owner" };
/** A transaction that reads everything, sealed keys included, and writes nothing. */
export type BackupTx = Transaction<Schema> & { readonly [scope]: "backup" };
/** Over all tenants. */
export type FleetTx = WorkerTx | OwnerTx;
/** Repositories of what several may touch take any; what a role may not, PostgreSQL refuses. */
export type Tx = TenantTx | FleetTx;

/** A lease as the fence needs it. */
export interface LeaseRef {
  readonly sessionId: bigint;
  readonly token: string;
}

/** A query in parentheses with one row, or none where a lease is not ours any more. */
export type Held = RawBuilder<unknown>;

/** A pool's connections now, and the transactions that wait for one. */
export interface PoolLoad {
  readonly inUse: number;
  readonly idle: number;
  readonly waiting: number;
  /** How many it may open. */
  readonly most: number;
}

/**
 * The only way to PostgreSQL: every repository call runs in one of these transactions, each as a role that may do what it
 * needs and no more (`db/migrations/0011-roles`).
 */
export interface Database {
  /** As `gramfleet_app`, for one tenant: row security shows no other's rows. */
  inTenant<T>(tenantId: string, work: (tx: TenantTx) => Promise<T>): Promise<T>;
  /** As `gramfleet_app`, for none. */
  asApp<T>(work: (tx: AppTx) => Promise<T>): Promise<T>;
  /** As `gramfleet_worker`, for all tenants. */
  asWorker<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T>;
  /** As `gramfleet_owner`. Not for processes that run for long. */
  asOwner<T>(work: (tx: OwnerTx) => Promise<T>): Promise<T>;
  /** As `gramfleet_backup`, one moment's picture of everything. */
  asBackup<T>(work: (tx: BackupTx) => Promise<T>): Promise<T>;
  /**
   * As a worker, for what is one statement: PostgreSQL makes it a transaction of its own, so begin and commit are
   * spared. A second statement is refused, since the two would not be one transaction.
   */
  once<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T>;
  /**
   * As a worker, fenced: begins with `SELECT … FOR KEY SHARE` on the lease's (session, token) row, which a heartbeat
   * passes and a taker waits for, under a statement timeout below the quiet time.
   * @throws LeaseGone when the row is not ours any more
   */
  underLease<T>(lease: LeaseRef, work: (tx: WorkerTx) => Promise<T>): Promise<T>;
  /**
   * As `underLease`, for what is one statement: it takes its rows from `held`, a query that locks the lease's row and has
   * one row where it is ours. Begin, fence and commit are spared. PostgreSQL waits for others' locks without a timeout: not
   * for statements that may meet long ones.
   *
   * @param work gives whether there was that row
   * @throws LeaseGone where there was none
   */
  onceUnderLease(lease: LeaseRef, work: (tx: WorkerTx, held: Held) => Promise<boolean>): Promise<void>;
  /** As a worker, reading only, and one moment's picture however many statements it takes. */
  snapshot<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T>;
  /** Throws when PostgreSQL does not answer: for `/ready`. */
  check(): Promise<void>;
  /** Of this process's pool. */
  load(): PoolLoad;
  close(): Promise<void>;
}

/** The lease's row is gone or has another token: nothing may be written in its name. */
export class LeaseGone extends Error {
  override name = "LeaseGone";
}
