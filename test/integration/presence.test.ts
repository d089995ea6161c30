import { afterAll, expect, it } from "vitest";
import { announcePresence, readPresences } from "../../queue/presence.ts";
import { openRedis } from "../../queue/redis.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog } from "../../runtime/log.ts";
import { eventually } from "../support/eventually.ts";
import { testRedis } from "../support/services.ts";

const { url, prefix } = testRedis();
const redis = openRedis(url, "worker");
afterAll(() => redis.disconnect());

const read = () => readPresences(redis, prefix);
const key = `{${prefix}}:processes`;

it("says what runs, until it takes its leave", async () => {
  const [worker, scheduler] = [new Lifecycle(silentLog), new Lifecycle(silentLog)];
  let active = 3;
  const beat = { redis, prefix, everyMs: 5, log: silentLog };
  announcePresence(worker, { ...beat, role: "worker", facts: () => ({ active }) });
  announcePresence(scheduler, { ...beat, role: "scheduler" });
  await eventually(async () => (await read()).length === 2);
  expect(await read()).toEqual([
    expect.objectContaining({ role: "scheduler", pid: process.pid, facts: {} }),
    expect.objectContaining({ role: "worker", pid: process.pid, facts: { active: 3 } }),
  ]);
  active = 4;
  await eventually(async () => (await read())[1]?.facts.active === 4);
  await worker.close();
  expect((await read()).map(({ role }) => role)).toEqual(["scheduler"]);
  await redis.del(key);
  // What Redis has forgotten is said again.
  await eventually(async () => (await read()).length === 1);
  await scheduler.close();
  expect(await read()).toEqual([]);
});

it("tells how long ago one was heard that has died, and forgets it in the end", async () => {
  const [seconds = 0] = await redis.time();
  const said = JSON.stringify({
    role: "worker",
    host: "here",
    pid: 1,
    startedAt: new Date(0).toISOString(),
    facts: {},
  });
  await redis.hset(key, "lately", `${(Number(seconds) - 60) * 1_000} ${said}`);
  await redis.hset(key, "long ago", `${(Number(seconds) - 601) * 1_000} ${said}`);
  const [dead, ...others] = await read();
  expect(others).toEqual([]);
  expect(dead?.ageMs).toBeGreaterThanOrEqual(60_000);
  expect(await redis.hkeys(key)).toEqual(["lately"]);
});
