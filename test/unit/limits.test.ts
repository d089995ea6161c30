import { expect, test } from "vitest";
import { createLimits } from "../../config/limits.ts";

test.each([1, 10])("the times keep their order, divided by %d", (divisor) => {
  const limits = createLimits(divisor);
  // A lost beat costs nothing; the DC drops a frozen client, and a fenced transaction ends, before a taker comes.
  expect(limits.heartbeatMs * 3).toBeLessThanOrEqual(limits.leaseMs);
  expect(limits.pingDisconnectMs).toBeLessThan(limits.quietMs);
  expect(limits.pingEveryMs * 2).toBeLessThan(limits.pingDisconnectMs);
  expect(limits.fencedStatementMs).toBeLessThan(limits.quietMs);
  expect(limits.stalledCheckMs).toBeLessThan(limits.jobLockMs);
});

test("pm2 waits longer for a process to stop than the process takes", async () => {
  const { createRequire } = await import("node:module");
  const { apps } = createRequire(import.meta.url)("../../ecosystem.config.cjs") as {
    apps: { name: string; kill_timeout: number }[];
  };
  expect(apps.map((app) => app.name)).toEqual(["scheduler", "api-1", "api-2", "worker-1", "worker-2"]);
  for (const app of apps) expect(app.kill_timeout).toBeGreaterThan(createLimits().shutdownGraceMs);
});
