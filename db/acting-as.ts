import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresDialect,
  PostgresDriver,
  type PostgresPool,
  type TransactionSettings,
} from "kysely";
import type { PreparingPool } from "./prepared.ts";

/** What a transaction may do: the roles of `db/migrations/0011-roles`. */
export type Role = "app" | "worker" | "owner" | "backup";

/**
 * PostgreSQL, with transactions that act as `role`, whoever has connected. The role is taken with the same message that
 * begins the transaction, and ends with it: nothing is left on a connection that a pooler gives to somebody else.
 */
export function actingAs(role: Role, connections: PreparingPool): Dialect {
  const pool = { connect: () => connections.connect(role), end: () => connections.end() } as unknown as PostgresPool;
  const plain = new PostgresDialect({ pool });
  return {
    createDriver: () => new ActingDriver(role, pool),
    createAdapter: () => plain.createAdapter(),
    createIntrospector: (db) => plain.createIntrospector(db),
    createQueryCompiler: () => plain.createQueryCompiler(),
  };
}

class ActingDriver extends PostgresDriver {
  readonly #role: Role;

  constructor(role: Role, pool: PostgresPool) {
    super({ pool });
    this.#role = role;
  }

  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings;
    const begin = ["begin", isolationLevel && `isolation level ${isolationLevel}`, accessMode]
      .filter(Boolean)
      .join(" ");
    try {
      await connection.executeQuery(CompiledQuery.raw(`${begin}; set local role gramfleet_${this.#role}`));
    } catch (error) {
      // Refused its role, it has begun all the same.
      await this.rollbackTransaction(connection).catch(() => undefined);
      throw error;
    }
  }
}
