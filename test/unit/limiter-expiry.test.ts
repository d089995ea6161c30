import Bottleneck from "bottleneck";
import { expect, it } from "vitest";
import { expireOnlyWhatBegan } from "../../telegram/limiter/expiry.ts";
import { eventually } from "../support/eventually.ts";

interface Scheduled {
  readonly _scheduled: Record<
    string,
    { readonly job: { doExpire(...args: unknown[]): unknown; options: { id: string } } }
  >;
}

/** A job that is to begin in a while, with what Bottleneck would call when its time is over. */
async function waiting(limiter: Bottleneck) {
  void limiter.schedule({ id: "first" }, async () => undefined);
  const result = limiter.schedule({ id: "second", expiration: 60_000 }, async () => "begun");
  await eventually(() => limiter.jobStatus("second") === "RUNNING");
  const all = Object.values((limiter as unknown as Scheduled)._scheduled);
  const { job } = all.find((each) => each.job.options.id === "second")!;
  return {
    result,
    expire: () =>
      job.doExpire(
        () => true,
        () => undefined,
        async () => undefined,
      ),
  };
}

it("a job whose time is over before it began begins nevertheless", async () => {
  const limiter = new Bottleneck({ minTime: 300, trackDoneStatus: true });
  expireOnlyWhatBegan(limiter);
  const { result, expire } = await waiting(limiter);
  expect(expire).not.toThrow();
  expect(limiter.jobStatus("second")).toBe("RUNNING");
  expect(await result).toBe("begun");
});

it("Bottleneck itself throws there", async () => {
  const limiter = new Bottleneck({ minTime: 300 });
  const { result, expire } = await waiting(limiter);
  expect(expire).toThrow(/Invalid job status RUNNING/);
  await result;
});

it("what has begun and takes too long fails, as before", async () => {
  const limiter = new Bottleneck();
  expireOnlyWhatBegan(limiter);
  const never = limiter.schedule({ expiration: 20 }, () => new Promise(() => undefined));
  await expect(never).rejects.toThrow(/timed out after 20 ms/);
});
