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
