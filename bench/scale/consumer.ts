import { type Job, Worker } from "bullmq";
import { sql } from "kysely";
import { databaseUrls } from "../../config/database-urls.ts";
import { loadConfig } from "../../config/load.ts";
import { openDatabase } from "../../db/client.ts";
import { queueOf } from "../../queue/jobs.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { openRedis } from "../../queue/redis.ts";
import { createLog } from "../../runtime/log.ts";
import { serve } from "../serve.ts";
import { API_IDS } from "./fill.ts";

/**
 * Takes every parse and does nothing but what a run does to `schedules`: it is started, and it ends with the next one an
 * interval after its slot. Tells how late each was enqueued.
 */
const config = loadConfig(process.env, ["database", "redis"]);
const log = createLog({ level: "warn", name: "consumer" });
const { limits, intervals } = config;
const database = openDatabase({
  ...{ ...databaseUrls(config), poolSize: 4, log },
  fencedStatementMs: limits.fencedStatementMs,
});
const redis = openRedis(config.redisUrl ?? "", "worker", log);

interface Taken {
  readonly userId: string;
  readonly enqueuedAt: number;
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
}

let taken: Taken[] = [];
let lateMs: number[] = [];
/** Who was enqueued before is not counted. */
let since = Date.now();
let ending = false;
/** Ends of runs that come together are written together, which costs PostgreSQL less than it would really. */
const GATHER_MS = 50;

async function endRuns(): Promise<void> {
  const runs = taken;
  taken = [];
  if (runs.length === 0) return;
  try {
    const ids = runs.map(({ userId }) => userId);
    await database.once((tx) =>
      sql`update schedules set last_started_at = now() where user_id = any(${ids}::int8[])`.execute(tx),
    );
    const { rows } = await database.once((tx) =>
      sql<{ user_id: bigint; slot: number }>`
        with slots as (
          select s.user_id, s.next_parse_at as slot, case u.plan when 'premium' then ${intervals.premiumMs}::float8
            else ${intervals.freeMs}::float8 end * (0.95 + 0.1 * random()) * interval '1 millisecond' as step
          from schedules s join users u on u.id = s.user_id where s.user_id = any(${ids}::int8[])
        )
        update schedules s set claimed_at = null, next_parse_at = greatest(now(), slots.slot + slots.step)
        from slots where s.user_id = slots.user_id
        returning s.user_id, (extract(epoch from slots.slot) * 1000)::float8 as slot`.execute(tx),
    );
    const slots = new Map(rows.map(({ user_id, slot }) => [user_id.toString(), slot]));
    for (const { userId, enqueuedAt } of runs)
      if (enqueuedAt >= since) lateMs.push(enqueuedAt - (slots.get(userId) ?? Number.NaN));
    for (const run of runs) run.end();
  } catch (error) {
    for (const run of runs) run.fail(error);
  }
}

const gathering = (async () => {
  while (!ending) {
    await endRuns();
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
  }
  await endRuns();
})();

const workers = API_IDS.map((apiId) => {
  const worker = new Worker(
    queueOf({ apiId, ownApi: false }),
    (job: Job) =>
      new Promise<void>((end, fail) => {
        taken.push({ userId: job.data.userId, enqueuedAt: job.timestamp, end, fail });
      }),
    { connection: redis, prefix: keyPrefix(config.redisPrefix), concurrency: 100 },
  );
  worker.on("error", (error) => log.warn({ err: error }, "consumer failed"));
  return worker;
});

/** How late everybody was who was enqueued since the last question, sorted, in milliseconds. */
async function lateness(): Promise<number[]> {
  const seen = lateMs;
  lateMs = [];
  since = Date.now();
  return seen.sort((one, other) => one - other);
}

serve({ lateness }, async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  ending = true;
  await gathering;
  redis.disconnect();
  await database.close();
});
