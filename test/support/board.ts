import { adminUsers, type BoardUser } from "../../config/admin-users.ts";
import { startConsumer } from "../../queue/consumer.ts";
import { createProducer, type Producer } from "../../queue/producer.ts";
import { openRedis } from "../../queue/redis.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { hashPassword } from "../../runtime/password-hash.ts";
import { testRedis } from "./services.ts";

export const ADMIN = { name: "ada", password: "correct horse battery" };
export const VIEWER = { name: "vic", password: "staple of the viewer" };

/** Less than anybody should take for a password. */
const QUICK = { logN: 14, r: 8, p: 1 };

/** `ADMIN_USERS` with these two. */
export async function boardUsersText(): Promise<string> {
  const [admin, viewer] = await Promise.all([ADMIN, VIEWER].map(({ password }) => hashPassword(password, QUICK)));
  return `${ADMIN.name}:admin:${admin},${VIEWER.name}:viewer:${viewer}`;
}

export const boardUsers = (text: string): BoardUser[] => adminUsers.parse(text).boardUsers;

/** Somebody's job, of a kind that is not tried again by itself. */
export interface BoardJob {
  readonly queue: string;
  readonly id: string;
}

/** Queues of a test's own, and a worker at them whose jobs fail until they are told not to. */
export function startBoardQueues() {
  const { url, prefix } = testRedis();
  const connections = { producer: openRedis(url, "producer"), worker: openRedis(url, "worker") };
  const producer: Producer = createProducer({ redis: connections.producer, prefix, log: silentLog });
  let failing = true;
  const run = async () => {
    // Without where this lies: screenshots are kept.
    if (failing) throw Object.assign(new Error("Telegram did not answer"), { stack: "Error: Telegram did not answer" });
    return { posts: 3 };
  };
  const consumer = startConsumer({
    queues: ["parse-1001"],
    redis: connections.worker,
    prefix,
    handlers: {
      "parse-user": run,
      "backfill-channel": run,
      "reconcile-channel": run,
      "verify-session": run,
      "revoke-session": run,
    },
    outcomeOf: (error) => error,
    concurrency: 1,
    limits: { jobLockMs: 30_000, stalledCheckMs: 15_000, maxStalledCount: 1_000, parkAfterStalls: 3, parkMs: 60_000 },
    metrics: createMetrics(),
    log: silentLog,
  });
  return {
    ...{ url, prefix, producer },
    /** From now on jobs succeed. */
    mend: () => {
      failing = false;
    },
    /** A parse of somebody, in a queue that has a worker (`parse-1001`) or one that has none. */
    async parse(queue: string, userId: number): Promise<BoardJob> {
      const data = { tenantId: "default", userId: String(userId) };
      return producer.add({ name: "parse-user", queue, data, urgency: "premium", dueAt: new Date() });
    },
    async revoke(queue: string): Promise<BoardJob> {
      const data = { tenantId: "default", sessionId: "7" };
      return producer.add({ name: "revoke-session", queue, data, urgency: "manual", dueAt: new Date() });
    },
    async stateOf({ queue, id }: BoardJob): Promise<string> {
      const there = (await producer.openQueues()).find(({ name }) => name === queue);
      return (await there?.getJobState(id)) ?? "unknown";
    },
    async close() {
      await consumer.close(1_000);
      await producer.close();
      for (const connection of Object.values(connections)) connection.disconnect();
    },
  };
}

export type BoardQueues = ReturnType<typeof startBoardQueues>;
