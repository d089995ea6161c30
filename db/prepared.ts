import type pg from "pg";
import { isStatementLost } from "./unreachable.ts";

/** A text that has run so often is prepared from then on: those made for one occasion, with a parameter more or less, are not. */
const AFTER_RUNS = 5;
/** A connection keeps the plans of so many, which PostgreSQL holds in memory for each. */
const MOST_STATEMENTS = 400;
/** Texts whose runs are counted. What comes beyond them is run as it is. */
const MOST_TEXTS = 4_000;

/** `cached plan must not change result type`: a migration has given a table another column. */
const OUTDATED = "0A000";

/**
 * A pool whose connections parse and plan a statement once, not at each run: on small statements that is most of what
 * they cost. Only where a connection is one session of PostgreSQL's: a pooler gives each transaction another one.
 */
export class PreparingPool {
  readonly plain: pg.Pool;
  readonly #runs = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #wrapped = new WeakMap<pg.PoolClient, Map<string, PreparingClient>>();
  /** Null until the first connection is there. */
  #direct: boolean | null = null;

  constructor(pool: pg.Pool) {
    this.plain = pool;
  }

  /** A connection of the pool, for transactions that act as `role`. */
  async connect(role: string): Promise<PreparingClient> {
    const client = await this.plain.connect();
    if (this.#direct === null) await this.#lookWhether(client);
    const byRole = this.#wrapped.get(client) ?? new Map<string, PreparingClient>();
    this.#wrapped.set(client, byRole);
    const known = byRole.get(role) ?? new PreparingClient(this, client, role);
    byRole.set(role, known);
    return known;
  }

  /** The name under which a connection keeps this text; null where it is not to be prepared. */
  nameOf(text: string): string | null {
    if (!this.#direct) return null;
    const known = this.#names.get(text);
    if (known) return known;
    const runs = (this.#runs.get(text) ?? 0) + 1;
    if (runs === 1 && this.#runs.size >= MOST_TEXTS) return null;
    this.#runs.set(text, runs);
    if (runs < AFTER_RUNS || this.#names.size >= MOST_STATEMENTS) return null;
    const name = `gramfleet_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  /** Nothing more is prepared: there is somebody between us and PostgreSQL. */
  giveUp(): void {
    this.#direct = false;
  }

  async end(): Promise<void> {
    if (!this.plain.ending) await this.plain.end();
  }

  /** A pooler tells its clients a process id of its own making; PostgreSQL's answer is the session's. */
  async #lookWhether(client: pg.PoolClient): Promise<void> {
    try {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const { processID } = client as unknown as { readonly processID: number | null };
      this.#direct ??= rows[0]?.pid === processID;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

/** What kysely's driver uses of a connection. */
class PreparingClient {
  readonly #pool: PreparingPool;
  readonly #client: pg.PoolClient;
  readonly #role: string;
  #inTransaction = false;
  #spoilt = false;

  constructor(pool: PreparingPool, client: pg.PoolClient, role: string) {
    this.#pool = pool;
    this.#client = client;
    this.#role = role;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    if (values.length === 0) {
      if (text.startsWith("begin")) this.#inTransaction = true;
      else if (text === "commit" || text === "rollback") this.#inTransaction = false;
    }
    const name = values.length === 0 ? null : this.#pool.nameOf(text);
    if (name === null) return this.#client.query(text, [...values]);
    // Under row security a plan is its role's: another one's would be planned anew each time they take turns.
    const own = `${name}_${this.#inTransaction ? this.#role : "login"}`;
    try {
      return await this.#client.query({ name: own, text, values: [...values] });
    } catch (error) {
      if (!isStatementLost(error)) throw error;
      this.#spoilt = true;
      if ((error as pg.DatabaseError).code !== OUTDATED) this.#pool.giveUp();
      // Alone, it may simply be run once more; a transaction is over.
      if (!this.#inTransaction) return this.#client.query(text, [...values]);
      throw error;
    }
  }

  /** A connection whose statements are no longer good is not used again. */
  release(): void {
    this.#client.release(this.#spoilt);
  }
}

export type { PreparingClient };
