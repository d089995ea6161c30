import { type Job, Worker } from "bullmq";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadSchedule, markEnqueued } from "../../db/schedules.ts";
import { findUser } from "../../db/users.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { keyPrefix } from "../../queue/prefix.ts";
import { openRedis } from "../../queue/redis.ts";
import { startCliHome } from "../support/cli-home.ts";
import { eventually } from "../support/eventually.ts";
import { jsonOf } from "../support/gramfleet.ts";
import { runHere } from "../support/run-here.ts";

const TENANT = "default";
const QUEUE = "parse-1001";
const PEOPLE = [801n, 802n, 803n];
const home = await startCliHome({ apiIds: [1001, 1002], people: PEOPLE });
const { service, database, producer, env } = home;
const serving = openRedis(service.url, "worker");
let userIds: bigint[];

beforeAll(async () => {
  userIds = await database.inTenant(TENANT, async (tx) => {
    const ids = [];
    for (const telegramId of PEOPLE) ids.push((await findUser(tx, telegramId))?.id ?? 0n);
    return ids;
  });
});
afterAll(async () => {
  serving.disconnect();
  await home.close();
});

const run = (...args: string[]) => runHere(["queue", ...args], { env });
const scheduleOf = async (userId: bigint) => {
  const schedule = await database.inTenant(TENANT, (tx) => loadSchedule(tx, userId));
  if (!schedule) throw new Error(`${userId} has no schedule`);
  return schedule;
};
const parseOf = (userId: bigint): NewJob => ({
  name: "parse-user",
  queue: QUEUE,
  data: { tenantId: TENANT, userId: userId.toString() },
  urgency: "premium",
  dueAt: new Date(),
});
const enqueue = async (...ids: bigint[]) => {
  await producer.addBulk(ids.map(parseOf));
  await database.inTenant(TENANT, (tx) => markEnqueued(tx, ids));
};

it("wants to know which queues, and knows them", async () => {
  const [none, both, unknown] = await Promise.all([
    run("pause"),
    run("pause", QUEUE, "--all"),
    run("resume", "parse-1003"),
  ]);
  for (const ran of [none, both])
    expect(ran).toMatchObject({ code: 2, stdout: "", stderr: "gramfleet: say which: queues by name, or --all\n" });
  expect(unknown).toMatchObject({
    code: 1,
    stdout: "",
    stderr: 'gramfleet: no queue "parse-1003" here: there is parse-1001, parse-1002, parse-own\n',
  });
});

it("a paused queue serves nobody until it is resumed", async () => {
  await enqueue(userIds[0] as bigint);
  expect(await run("pause", QUEUE)).toMatchObject({
    code: 0,
    stdout: `${QUEUE}: paused; next: gramfleet queue resume ${QUEUE}\n`,
  });
  const served: string[] = [];
  const worker = new Worker(QUEUE, async (job: Job) => void served.push(job.name), {
    connection: serving,
    prefix: keyPrefix(service.prefix),
  });
  try {
    await worker.waitUntilReady();
    const status = await run("status", "--json");
    expect(jsonOf(status)).toEqual([expect.objectContaining({ queue: QUEUE, paused: true, waiting: 1, active: 0 })]);
    expect(served).toEqual([]);
    expect(jsonOf(await run("resume", "--all", "--json"))).toEqual(
      ["parse-1001", "parse-1002", "parse-own"].map((queue) => ({ queue, paused: false })),
    );
    await eventually(() => served.length === 1);
  } finally {
    await worker.close();
  }
});

it("failed jobs are tried once more", async () => {
  let fails = true;
  const worker = new Worker(
    QUEUE,
    async () => {
      if (fails) throw new Error("not today");
    },
    { connection: serving, prefix: keyPrefix(service.prefix) },
  );
  const count = async () => (await producer.queueCounts([QUEUE]))[0];
  try {
    await enqueue(userIds[1] as bigint);
    await eventually(async () => (await count())?.failed === 1);
    fails = false;
    expect(await run("retry", QUEUE)).toMatchObject({ code: 0, stdout: `${QUEUE}: 1 job tried once more\n` });
    await eventually(async () => (await count())?.completed === 2);
    expect(await count()).toMatchObject({ failed: 0 });
  } finally {
    await worker.close();
  }
});

it("a drained queue skips its users' turn, and keeps what nothing else would ask for again", async () => {
  const [first, second, third] = userIds as [bigint, bigint, bigint];
  await enqueue(first, second);
  await producer.add({
    name: "revoke-session",
    queue: QUEUE,
    data: { tenantId: TENANT, sessionId: "1" },
    urgency: "manual",
    dueAt: new Date(),
  });
  const before = await scheduleOf(third);
  const unsure = await run("drain", QUEUE);
  expect(unsure).toMatchObject({ code: 2, stdout: "" });
  expect(unsure.stderr).toContain("say --yes to do it");
  const drained = await run("drain", QUEUE, "--yes", "--json");
  expect(jsonOf(drained)).toEqual([{ queue: QUEUE, removed: { "parse-user": 2 }, kept: 1 }]);
  expect(await producer.queueCounts([QUEUE])).toEqual([expect.objectContaining({ waiting: 1 })]);
  for (const userId of [first, second]) {
    const { claimedAt, nextParseAt } = await scheduleOf(userId);
    expect(claimedAt).toBeNull();
    // Free users are parsed every hour, or three minutes sooner or later.
    expect(nextParseAt.getTime()).toBeGreaterThan(Date.now() + 50 * 60_000);
  }
  expect(await scheduleOf(third)).toEqual(before);
  expect(await run("drain", QUEUE, "--yes")).toMatchObject({
    code: 0,
    stdout: `${QUEUE}: nothing to remove; 1 job kept: what nothing else would ask for again\n`,
  });
});
