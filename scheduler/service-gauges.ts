import type { Redis } from "ioredis";
import type { Database } from "../db/database.ts";
import { databaseSizes } from "../db/sizes.ts";
import { lookAtServers } from "../queue/look-at-servers.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { TABLES } from "../runtime/metrics/labels.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** What has not answered by then counts as away: one that is frozen never answers. */
const ANSWER_WITHIN_MS = 5_000;

type ServiceMetrics = Pick<
  Metrics,
  "databaseUp" | "databaseRoundTrip" | "redisUp" | "redisRoundTrip" | "redisMemoryUsed" | "redisMemoryMax"
>;

/** Looks whether PostgreSQL and Redis answer, and how fast. Gives the turns of a loop. */
export function createServiceGauges(deps: {
  readonly database: Pick<Database, "check">;
  readonly redis: Redis;
  readonly metrics: ServiceMetrics;
}): () => Promise<"rest"> {
  const { database, redis, metrics } = deps;
  let known: readonly string[] = [];

  async function lookAtDatabase(): Promise<void> {
    const askedAt = performance.now();
    try {
      await withDeadline("PostgreSQL", ANSWER_WITHIN_MS, database.check());
      metrics.databaseRoundTrip.set((performance.now() - askedAt) / 1_000);
      metrics.databaseUp.set(1);
    } catch {
      metrics.databaseUp.set(0);
    }
  }

  async function lookAtRedis(): Promise<void> {
    const looks = await withDeadline("Redis", ANSWER_WITHIN_MS, lookAtServers(redis)).catch(() => []);
    // A cluster of which no node is known any more names none.
    const nodes = looks.length > 0 ? looks : known.map((node) => ({ node, answer: null }));
    known = nodes.map(({ node }) => node);
    for (const gauge of [metrics.redisUp, metrics.redisRoundTrip, metrics.redisMemoryUsed, metrics.redisMemoryMax])
      gauge.reset();
    for (const { node, answer } of nodes) {
      metrics.redisUp.set({ node }, answer ? 1 : 0);
      if (!answer) continue;
      metrics.redisRoundTrip.set({ node }, answer.seconds);
      metrics.redisMemoryUsed.set({ node }, answer.usedBytes);
      metrics.redisMemoryMax.set({ node }, answer.maxBytes);
    }
  }

  return async () => {
    await Promise.all([lookAtDatabase(), lookAtRedis()]);
    return "rest";
  };
}

/** Brings the gauges of the room that the database takes up to date. */
export async function measureSizes(deps: {
  readonly database: Database;
  readonly metrics: Pick<Metrics, "databaseBytes" | "tableBytes">;
}): Promise<"rest"> {
  const { databaseBytes, tables } = await deps.database.once(databaseSizes);
  const shown = new Map<string, number>(TABLES.map((table) => [table, 0]));
  for (const [name, bytes] of tables) {
    const table = shown.has(name) ? name : "other";
    shown.set(table, (shown.get(table) ?? 0) + bytes);
  }
  deps.metrics.databaseBytes.set(databaseBytes);
  for (const [table, bytes] of shown) deps.metrics.tableBytes.set({ table }, bytes);
  return "rest";
}
