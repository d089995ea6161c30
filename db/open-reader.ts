import { systemClock } from "../runtime/clock.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Database } from "./database.ts";
import { ownPool } from "./open.ts";
import { createPostReader, type PostReader, readPrimary } from "./post-reader.ts";

/** A replica that is away is to be given up before anybody notices: the primary is there. */
const CONNECT_TIMEOUT_MS = 2_000;

/** Where posts are read: by DATABASE_REPLICA_URL where it is set, over a pool of its own that `lifecycle` owns. */
export function ownPostReader(
  lifecycle: Lifecycle,
  config: { readonly databaseReplicaUrl: string | null; readonly limits: { readonly fencedStatementMs: number } },
  given: {
    readonly database: Database;
    readonly poolSize: number;
    readonly metrics: Metrics | null;
    readonly log: Log;
  },
): PostReader {
  const { database: primary, poolSize, metrics, log } = given;
  const { databaseReplicaUrl: url, limits } = config;
  if (url === null) return readPrimary(primary);
  const replica = ownPool(lifecycle, {
    ...{ url, poolSize, metrics, log, pool: "replica", connectTimeoutMs: CONNECT_TIMEOUT_MS },
    fencedStatementMs: limits.fencedStatementMs,
  });
  return createPostReader({ primary, replica, monotonic: () => systemClock.monotonic(), log });
}
