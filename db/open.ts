import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { type DatabaseOptions, openDatabase } from "./client.ts";
import type { Database } from "./database.ts";
import { assertSchema } from "./migrate.ts";

/**
 * Opens a process's pool of connections, owned by `lifecycle`; the transitions of sessions that it commits are counted.
 *
 * @param name what the pool is called where its closing fails
 */
export function ownPool(
  lifecycle: Lifecycle,
  { metrics, name = "PostgreSQL", ...options }: DatabaseOptions & { readonly metrics: Metrics; readonly name?: string },
): Database {
  const onTransition: DatabaseOptions["onTransition"] = ({ from, to }) => metrics.sessionTransitions.inc({ from, to });
  return lifecycle.own(name, openDatabase({ onTransition, ...options }), (opened) => opened.close());
}

/**
 * The same, once PostgreSQL has answered.
 *
 * @throws OperatorError where it is unreachable, or its schema is another version's
 */
export async function ownDatabase(lifecycle: Lifecycle, options: Parameters<typeof ownPool>[1]): Promise<Database> {
  const database = ownPool(lifecycle, options);
  await assertSchema(database);
  return database;
}
