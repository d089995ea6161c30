import type { TenantTx } from "../../db/database.ts";
import { parseFacts } from "../../db/parse-progress.ts";
import { markEnqueued } from "../../db/schedules.ts";
import { waitsOfParses } from "../../db/waits.ts";
import type { JobRef } from "../../queue/jobs.ts";
import type { Producer } from "../../queue/producer.ts";
import type { CommandContext } from "../context.ts";
import { type Obstacle, obstacleOf, obstacleOfWait, obstaclesIn } from "./obstacles.ts";

/** How many users are asked for in one transaction. */
const AT_ONCE = 500;

/** A user whose parse was asked for: their job, or what kept them from getting one. */
export interface Asked {
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly job: JobRef | null;
  readonly obstacle: Obstacle | null;
}

/**
 * Enqueues the parses of these users ahead of all others, but for whoever cannot be parsed. Marked and enqueued in one
 * transaction: where enqueueing fails nobody is marked.
 */
export async function askFor(
  context: Pick<CommandContext, "inTenant" | "out">,
  producer: Producer,
  userIds: readonly bigint[],
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let at = 0; at < userIds.length; at += AT_ONCE) {
    const some = userIds.slice(at, at + AT_ONCE);
    asked.push(...(await context.inTenant((tx) => askForSome(tx, producer, some))));
    if (userIds.length > AT_ONCE) context.out.progress(`asked for ${asked.length} of ${userIds.length} parses`);
  }
  return asked;
}

async function askForSome(tx: TenantTx, producer: Producer, userIds: readonly bigint[]): Promise<Asked[]> {
  const facts = await parseFacts(tx, userIds);
  const waits = await waitsOfParses(
    tx,
    facts.map((user) => user.telegramId),
  );
  const queues = [...new Set(facts.flatMap(({ queue }) => queue ?? []))];
  const keptIn = await obstaclesIn(producer, queues, { pausedByHand: false });
  const obstacles = await Promise.all(
    facts.map(async (user) => {
      const own = obstacleOf(user) ?? obstacleOfWait(waits.get(user.telegramId));
      return own ?? (user.queue === null ? null : keptIn({ queue: user.queue }));
    }),
  );
  const free = facts.filter((_, index) => obstacles[index] === null);
  await markEnqueued(
    tx,
    free.map(({ userId }) => userId),
  );
  const jobs = await producer.addBulk(
    free.map(({ userId, tenantId, queue }) => ({
      name: "parse-user",
      queue: queue ?? "",
      data: { tenantId, userId: userId.toString() },
      urgency: "manual",
      dueAt: new Date(),
    })),
  );
  const jobOf = new Map(free.map(({ userId }, index) => [userId, jobs[index] ?? null]));
  return Promise.all(
    facts.map(async ({ userId, telegramId }, index) => {
      const job = jobOf.get(userId) ?? null;
      // One that is there already may be set aside.
      const obstacle = obstacles[index] ?? (job && (await keptIn(job)));
      return { userId, telegramId, job: obstacle ? null : job, obstacle };
    }),
  );
}
