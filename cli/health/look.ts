import { statfs } from "node:fs/promises";
import type { Redis } from "ioredis";
import type { Config } from "../../config/load.ts";
import { listApiIds } from "../../db/api-ids.ts";
import type { Database } from "../../db/database.ts";
import { type ServerFacts, scheduleFacts, serverFacts, sessionFacts } from "../../db/health.ts";
import { ledgerTotals } from "../../db/ledger-totals.ts";
import { taskStates } from "../../db/maintenance-tasks.ts";
import { assertSchema } from "../../db/migrate.ts";
import { databaseNow } from "../../db/overview.ts";
import { backupsSoFar } from "../../db/session-backups.ts";
import { answering } from "../../db/unreachable.ts";
import { countRunningWaits } from "../../db/waits.ts";
import { readPresences } from "../../queue/presence.ts";
import type { Producer } from "../../queue/producer.ts";
import { readRedisFacts } from "../../queue/redis-facts.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { inspectInstallation } from "../../telegram/installation/inspect.ts";
import { readPauses } from "../../telegram/limiter/read-pauses.ts";
import { marksOf } from "../installation.ts";
import { judgeBackups, judgeInstallation } from "./custody.ts";
import {
  judgeApiIds,
  judgeCompleteness,
  judgeKeyring,
  judgeQueues,
  judgeSchedule,
  judgeSessions,
  judgeWaits,
} from "./fleet.ts";
import { blame, type Finding, lookAt, PATIENCE_MS, type Part } from "./part.ts";
import { judgeProcesses } from "./processes.ts";
import { judgeRetention } from "./retention.ts";
import { judgeClocks, judgeDisk, judgePostgres, judgeRedis } from "./services.ts";

/** A parse that is due for longer than this is late. */
const LATE_MS = 60_000;
/** Long enough for the backfill of a large channel, and for a reconcile. */
const OLD_GAP_SECONDS = 6 * 3_600;
/** Within the patience of the whole, so that one node of several can be told to be silent. */
const NODE_MS = PATIENCE_MS - 500;

export interface Looking {
  readonly config: Config;
  readonly database: Database;
  readonly redis: Redis;
  readonly producer: Producer;
  /** The folder of what is embedded; null where nothing is. */
  readonly embeddedAt: string | null;
}

/** Which parts cannot be told of without a service. */
const DEPENDENTS = {
  PostgreSQL: [
    "users",
    "sessions",
    "keyring",
    "API IDs",
    "waits",
    "completeness",
    "installation",
    "backups",
    "retention",
  ],
  Redis: ["schedulers", "workers", "api", "bot", "queues", "waits", "installation"],
} as const;

/** Looks at every part at once; none of them takes longer than its patience, and none keeps another waiting. */
export async function lookAtAll(looking: Looking): Promise<Part[]> {
  const { config, database, redis, producer, embeddedAt } = looking;
  const ready = answeringRedis(redis);
  ready.catch(() => undefined);
  const withRedis = async <T>(work: () => Promise<T>): Promise<T> => {
    await ready;
    return work();
  };
  const sessions = database.once(sessionFacts);
  const presences = withRedis(() => readPresences(redis, config.redisPrefix));
  const pauses = withRedis(async () => readPauses(redis, config.redisPrefix, apiIdsOf(config)));
  for (const shared of [sessions, presences, pauses]) shared.catch(() => undefined);
  const gapSeconds = Math.max(60, OLD_GAP_SECONDS / config.pace);
  const none = (says: string): Finding => ({ state: "off", says });

  const parts = await Promise.all([
    lookAt("PostgreSQL", async () => {
      await assertSchema(database);
      const began = performance.now();
      const facts = await database.once(serverFacts);
      return { ...judgePostgres(facts, performance.now() - began), facts };
    }),
    lookAt("Redis", () =>
      withRedis(async () => {
        const nodes = await Promise.all(
          readRedisFacts(redis).map(async ({ node, facts }) => ({
            node,
            facts: await withDeadline(node, NODE_MS, facts).catch(() => null),
          })),
        );
        return { ...judgeRedis(nodes), facts: nodes };
      }),
    ),
    lookAt("schedulers", async () => judgeProcesses("scheduler", await presences, { without: "down" })),
    lookAt("workers", async () => {
      const all = await presences;
      const active = all.reduce((sum, { facts }) => sum + (facts.active ?? 0), 0);
      return judgeProcesses("worker", all, { without: "down", more: [`${active} jobs under way`] });
    }),
    lookAt("api", async () => judgeProcesses("api", await presences, { without: "off" })),
    lookAt("bot", async () =>
      // `up` shows its bot for a while only: nobody real writes to it.
      judgeProcesses("bot", await presences, {
        without: config.bot.token === null || config.pace > 1 ? "off" : "degraded",
      }),
    ),
    lookAt("queues", () =>
      withRedis(async () => {
        const counts = await producer.queueCounts();
        const queues = await Promise.all(
          counts.map(async (one) => ({ ...one, waitsUntil: await producer.pausedUntil(one.queue) })),
        );
        return { ...judgeQueues(queues), facts: queues };
      }),
    ),
    lookAt("users", async () => {
      const facts = await database.once((tx) => scheduleFacts(tx, LATE_MS));
      return { ...judgeSchedule(facts), facts };
    }),
    lookAt("API IDs", async () => {
      const inUse = await database.once(listApiIds);
      return { ...judgeApiIds(inUse, apiIdsOf(config)), facts: inUse };
    }),
    lookAt("waits", async () => {
      const [any, long, running, { usable }] = await Promise.all([
        database.once((tx) => countRunningWaits(tx)),
        database.once((tx) => countRunningWaits(tx, config.flood.sleepThreshold)),
        pauses,
        sessions,
      ]);
      return judgeWaits({ accounts: any.accounts, long: long.accounts }, running, usable);
    }),
    lookAt("sessions", async () => ({ ...judgeSessions(await sessions), facts: await sessions })),
    lookAt("keyring", async () =>
      judgeKeyring(
        await sessions,
        config.keyring.map(({ id }) => id),
      ),
    ),
    lookAt("completeness", async () => {
      const totals = await database.asWorker((tx) => ledgerTotals(tx, config));
      return { ...judgeCompleteness(totals, gapSeconds), facts: totals };
    }),
    lookAt("installation", () =>
      withRedis(async () => {
        const { id } = config.installation;
        const found = await inspectInstallation({ database, installId: id, marks: marksOf(config, redis) });
        return judgeInstallation(found, id);
      }),
    ),
    lookAt("backups", async () => {
      const [soFar, now] = await Promise.all([database.once(backupsSoFar), database.once(databaseNow)]);
      return judgeBackups(soFar, { ...config.backups, now });
    }),
    lookAt("retention", async () => {
      const tasks = await database.once(taskStates);
      return { ...judgeRetention(tasks), facts: tasks };
    }),
    lookAt("clocks", async () => judgeClocks(await clocks(database, redis, ready))),
    lookAt("disk", async () => {
      if (embeddedAt === null) return none("PostgreSQL's own: not seen from here");
      const { bavail, blocks, bsize } = await statfs(embeddedAt);
      return judgeDisk(bavail * bsize, blocks * bsize, embeddedAt);
    }),
  ]);
  return blame(parts, DEPENDENTS);
}

function apiIdsOf({ apiIds: { masters, backup } }: Config): number[] {
  return [...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId);
}

/** Resolves once Redis answers; rejects as soon as it is seen not to. */
function answeringRedis(redis: Redis): Promise<void> {
  if (redis.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    redis.once("ready", resolve);
    redis.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new OperatorError(`does not answer (${error.code ?? error.message}): start it, or correct REDIS_URL`, {
          cause: error,
        }),
      ),
    );
  });
}

/** How far each clock that can be read is ahead of ours. */
async function clocks(database: Database, redis: Redis, ready: Promise<void>): Promise<Record<string, number>> {
  const began = Date.now();
  const [postgres, nodes] = await Promise.allSettled([
    withDeadline(
      "PostgreSQL",
      NODE_MS,
      answering(() => database.once(serverFacts)).then((facts: ServerFacts) => ({
        aheadMs: facts.now.getTime() - (began + Date.now()) / 2,
      })),
    ),
    withDeadline(
      "Redis",
      NODE_MS,
      ready.then(() => Promise.all(readRedisFacts(redis).map(({ facts }) => facts))),
    ),
  ]);
  const ahead: Record<string, number> = {};
  if (postgres.status === "fulfilled") ahead.PostgreSQL = postgres.value.aheadMs;
  if (nodes.status === "fulfilled")
    for (const { node, aheadMs } of nodes.value) ahead[nodes.value.length === 1 ? "Redis" : `Redis ${node}`] = aheadMs;
  if (Object.keys(ahead).length === 0) throw new OperatorError("cannot be told while PostgreSQL and Redis are down");
  return ahead;
}
