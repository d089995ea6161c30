import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { POOLS } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { type DatabaseOptions, openDatabase } from "./client.ts";
import type { Database, PoolLoad } from "./database.ts";
import { assertSchema } from "./migrate.ts";
import { TRANSITIONS } from "./session-states.ts";

type Pool = (typeof POOLS)[number];

/**
 * Opens a process's pool of connections, owned by `lifecycle`. Its load is measured, and counted are the transitions of
 * sessions that it commits, and what PostgreSQL refuses.
 *
 * @param options.metrics null in a command
 * @param options.pool what the pool is for, where the process has more than one
 */
export function ownPool(
  lifecycle: Lifecycle,
  { metrics, pool = "main", ...options }: DatabaseOptions & { readonly metrics: Metrics | null; readonly pool?: Pool },
): Database {
  const name = `PostgreSQL (${pool})`;
  if (!metrics) return lifecycle.own(name, openDatabase(options), (opened) => opened.close());
  for (const [from, next] of Object.entries(TRANSITIONS))
    for (const to of next) metrics.sessionTransitions.inc({ from, to }, 0);
  const onTransition: DatabaseOptions["onTransition"] = ({ from, to }) => metrics.sessionTransitions.inc({ from, to });
  const onDenied = () => metrics.rlsDenied.inc();
  const database = openDatabase({ onTransition, onDenied, ...options });
  lifecycle.own(name, database, (opened) => opened.close());
  const read = () => showLoad(database.load(), pool, metrics);
  lifecycle.own(`load of ${name}`, metrics.whenScraped(read), (end) => end());
  return database;
}

function showLoad(load: PoolLoad, pool: Pool, metrics: Metrics): void {
  metrics.poolConnections.set({ pool, state: "in_use" }, load.inUse);
  metrics.poolConnections.set({ pool, state: "idle" }, load.idle);
  metrics.poolConnections.set({ pool, state: "waiting" }, load.waiting);
  metrics.poolMax.set({ pool }, load.most);
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
