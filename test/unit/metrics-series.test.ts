import { expect, it } from "vitest";
import type { PageResult } from "../../db/messages.ts";
import { countJob, type JobOutcome } from "../../queue/job-metrics.ts";
import { JOBS } from "../../queue/jobs.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { METHODS, PLANS } from "../../runtime/metrics/labels.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { AccountCalls } from "../../telegram/call-policy.ts";
import { AuthLost, FloodWait, RpcRefused, Transient } from "../../telegram/errors.ts";
import { noMethodPauses } from "../../telegram/flood-scope.ts";
import { showLoads } from "../../telegram/limiter/gauges.ts";
import { openGate } from "../../telegram/policy.ts";
import { countPage, emptyTally } from "../../workers/parse/tally.ts";

const USERS = 10_000;
const MASTERS = [1001, 1002, 1003];
const BACKUP = 1004;
const OUTCOMES: readonly JobOutcome[] = ["done", "snoozed", "discarded", "failed"];

/** Everybody has a telegram_id, and every third person an API ID, that no other has. */
const userOf = (index: number) => ({
  telegramId: 7_000_000_000n + BigInt(index),
  apiId: index % 3 === 0 ? 500_000_000 + index : ([...MASTERS, BACKUP][index % 4] as number),
  ownApi: index % 3 === 0,
});

/** What Telegram answers to somebody's call: all that it can, in turn. */
function answerTo(index: number, method: string): Promise<string> {
  switch (index % 5) {
    case 0:
      return Promise.reject(new FloodWait("FLOOD_WAIT", method, 3_600));
    case 1:
      return Promise.reject(new RpcRefused(`CANARY_${index}`, method, 400));
    case 2:
      return Promise.reject(new Transient("DEADLINE_PASSED", method));
    case 3:
      return Promise.reject(new AuthLost(`CANARY_${index}`, method));
    default:
      return Promise.resolve("an answer");
  }
}

it("a worker that serves 10,000 users has fewer than 2,000 series", { timeout: 60_000 }, async () => {
  const metrics = createMetrics({ process: "worker" });
  const limiter = { run: <T>(_apiId: number, work: () => Promise<T>) => work(), pause: async () => undefined };
  const waits = { check: () => null, record: async () => new Date(Date.now() + 3_600_000) };
  const methods = [...METHODS, "canary.one", "canary.two"];
  const calls = Array.from({ length: USERS }, async (_, index) => {
    const flood = { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "auto" } as const;
    const policy = new AccountCalls(
      { limiter, waits, flood, pauses: noMethodPauses, callsInFlight: 2, metrics, clock: systemClock, log: silentLog },
      { ...userOf(index), lease: openGate },
    );
    // Each of the answers to each of the methods, for each API ID: twelve people after each other have all API IDs.
    const method = methods[Math.floor(index / 12) % methods.length] as string;
    const answer = Math.floor(index / 12 / methods.length);
    await policy.run({ method, chatId: BigInt(index) }, () => answerTo(answer, method)).catch(() => undefined);
  });
  await Promise.all(calls);

  for (const name of [...Object.keys(JOBS), "canary-job"])
    for (const outcome of OUTCOMES) countJob(metrics, name)(outcome);
  for (const plan of PLANS) metrics.scheduleLag.observe({ plan }, 1);
  const page: PageResult = { added: 1, bytes: 700, edited: 1, deleted: 1, revision: 1n };
  countPage(emptyTally(), page, metrics);
  for (const apiId of [...MASTERS, BACKUP, "own"]) metrics.jobsStalled.inc({ queue: `parse-${apiId}` });
  const loads = new Map(Array.from({ length: USERS }, (_, index) => [userOf(index).apiId, { waiting: 1, free: 9 }]));
  showLoads({ loads: () => loads }, { ours: [...MASTERS, BACKUP], callsPerSecond: 100 }, metrics);
  for (const state of ["in_use", "idle", "waiting"]) metrics.poolConnections.set({ pool: "main", state }, 1);
  metrics.poolMax.set({ pool: "main" }, 10);

  const text = await metrics.scrape();
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(text).toContain('telegram_api_calls_total{api_id="own",method="other",outcome="flood"}');
  const made = (await metrics.telegramApiCalls.get()).values.map(({ labels }) => JSON.stringify(labels));
  expect(made).toHaveLength((MASTERS.length + 2) * METHODS.length * 4);
  expect(series.length).toBeGreaterThan(made.length);
  expect(series.length).toBeLessThan(2_000);
  const values = new Set([...text.matchAll(/="([^"]*)"/g)].map(([, value = ""]) => value));
  expect(values).toContain("1001");
  expect([...values].filter((value) => /\d{6}|canary/i.test(value))).toEqual([]);
  expect(text).not.toContain("canary");
});
