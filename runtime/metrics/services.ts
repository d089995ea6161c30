import type { Definer } from "./define.ts";
import { POOLS } from "./labels.ts";

const NODES = "host:port of each Redis; the sentinels' name for it; `socket`";

/** PostgreSQL and Redis, as a process meets them. */
export const serviceMetrics = (define: Definer) => ({
  databaseUp: define.gauge({
    name: "database_up",
    help: "1 where PostgreSQL answered the scheduler's last look, 0 where it did not.",
    in: ["scheduler"],
    look: "Whether it is PostgreSQL that is away.",
    unit: "0 or 1",
    unset: true,
  }),
  databaseRoundTrip: define.gauge({
    name: "database_round_trip_seconds",
    help: "How long PostgreSQL took to answer the scheduler's last look.",
    in: ["scheduler"],
    look: "A slow PostgreSQL, or a slow way to it.",
    unset: true,
  }),
  poolConnections: define.gauge({
    name: "database_pool_connections",
    help: "A process's connections to PostgreSQL in use and idle, and the transactions that wait for one (waiting), by pool; logins and replica (DATABASE_REPLICA_URL) are the api's.",
    labels: { pool: POOLS, state: ["in_use", "idle", "waiting"] },
    in: ["scheduler", "worker", "api", "bot"],
    look: "Pool exhaustion: somebody waits.",
  }),
  poolMax: define.gauge({
    name: "database_pool_max_connections",
    help: "How many connections a pool may open (DATABASE_POOL_SIZE for workers and schedulers).",
    labels: { pool: POOLS },
    in: ["scheduler", "worker", "api", "bot"],
    look: "What the connections in use are a part of.",
  }),
  rlsDenied: define.counter({
    name: "rls_denied_total",
    help: "Statements that PostgreSQL refused for want of a right (SQLSTATE 42501): row security, or a missing grant.",
    in: ["scheduler", "worker", "api", "bot"],
    look: "Should be 0: a mistake of ours that row security has stopped, or a role without its grants.",
  }),
  redisUp: define.gauge({
    name: "redis_up",
    help: "1 where Redis answered the scheduler's last look, 0 where it did not.",
    labels: { node: NODES },
    in: ["scheduler"],
    look: "Whether it is Redis that is away.",
    unit: "0 or 1",
  }),
  redisRoundTrip: define.gauge({
    name: "redis_round_trip_seconds",
    help: "How long Redis took to answer the scheduler's last look.",
    labels: { node: NODES },
    in: ["scheduler"],
    look: "A slow Redis, or a slow way to it.",
  }),
  redisMemoryUsed: define.gauge({
    name: "redis_memory_used_bytes",
    help: "Memory that Redis uses for its data (used_memory).",
    labels: { node: NODES },
    in: ["scheduler"],
    look: "Under noeviction a full Redis refuses new jobs.",
  }),
  redisMemoryMax: define.gauge({
    name: "redis_memory_max_bytes",
    help: "Memory that Redis may use (maxmemory); 0 where it has no limit of its own.",
    labels: { node: NODES },
    in: ["scheduler"],
    look: "What the used memory is a part of.",
  }),
});
