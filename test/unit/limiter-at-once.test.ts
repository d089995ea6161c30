import Bottleneck from "bottleneck";
import { expect, it, vi } from "vitest";
import { beginAtOnce } from "../../telegram/limiter/at-once.ts";

/** Whether a job begins although the timer that Bottleneck gave it never fires. */
async function beginsWithoutTimer(limiter: Bottleneck): Promise<boolean> {
  const internals = limiter as unknown as { _run(...args: unknown[]): { timeout: NodeJS.Timeout } };
  const run = internals._run.bind(limiter);
  const given = new Promise<void>((resolve) => {
    internals._run = (...args) => {
      const scheduled = run(...args);
      clearTimeout(scheduled.timeout);
      resolve();
      return scheduled;
    };
  });
  const work = vi.fn(async () => undefined);
  void limiter.schedule(work);
  await given;
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return work.mock.calls.length === 1;
}

it("what need not wait begins without a timer, which Bottleneck itself waits for", async () => {
  expect(await beginsWithoutTimer(new Bottleneck())).toBe(false);
  const limiter = new Bottleneck();
  beginAtOnce(limiter);
  expect(await beginsWithoutTimer(limiter)).toBe(true);
});

it("what has to wait waits, and everything runs once", async () => {
  const limiter = new Bottleneck({ minTime: 40 });
  beginAtOnce(limiter);
  const begun: number[] = [];
  await Promise.all([0, 1, 2].map(() => limiter.schedule(async () => begun.push(performance.now()))));
  expect(begun).toHaveLength(3);
  expect(begun[2]! - begun[0]!).toBeGreaterThan(75);
});

it("what is dropped meanwhile does not begin", async () => {
  const limiter = new Bottleneck();
  beginAtOnce(limiter);
  const work = vi.fn(async () => undefined);
  const job = limiter.schedule(work);
  await limiter.stop({ dropWaitingJobs: true });
  await expect(job).rejects.toThrow(/stopped/);
  await new Promise((resolve) => setImmediate(resolve));
  expect(work).not.toHaveBeenCalled();
});
