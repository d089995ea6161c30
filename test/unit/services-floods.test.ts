import { describe, expect, test } from "vitest";
import type { RpcContext } from "../../emulator/dc/service.ts";
import { createFloods } from "../../emulator/floods.ts";

const BUCKETS = { "contacts.ResolveUsername": { burst: 2, perMinute: 6, waitSeconds: 100 } };

function bench(pace: number, buckets: Parameters<typeof createFloods>[0]["buckets"] = BUCKETS) {
  let now = 0;
  const floods = createFloods({ clock: { now: () => now, monotonic: () => now }, pace, buckets });
  const context = (accountId: bigint | null, apiId = 1): RpcContext => ({
    key: { keyId: 5n, key: Buffer.alloc(0), dcId: 2, apiId, accountId, ended: null },
    dcId: 2,
    connectionId: 1,
    sessionId: 1n,
    msgId: 1n,
    layer: 198,
    apiId,
    now,
    account: () => accountId ?? 0n,
    authorize: () => {},
  });
  return {
    floods,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    take: (accountId: bigint | null, method = "contacts.ResolveUsername", more: object = {}, apiId = 1) =>
      floods.take({ className: method, ...more }, context(accountId, apiId))?.seconds ?? null,
  };
}

describe("limits", () => {
  test("are an account's and a method's, and fill again", () => {
    const { take, pass } = bench(1);
    expect([take(1n), take(1n), take(1n), take(2n)]).toEqual([null, null, 100, null]);
    expect(take(1n, "messages.GetHistory")).toBeNull();
    pass(10_000);
    expect([take(1n), take(1n)]).toEqual([null, 100]);
  });

  test("run at the pace, in whole seconds of at least one", () => {
    const { take, pass } = bench(60);
    expect([take(1n), take(1n), take(1n)]).toEqual([null, null, 2]);
    pass(167);
    expect([take(1n), take(1n)]).toEqual([null, 2]);
    const fast = bench(1_000);
    expect([fast.take(1n), fast.take(1n), fast.take(1n)]).toEqual([null, null, 1]);
  });

  test("on codes are the phone's", () => {
    const { take } = bench(1, { "auth.SendCode": { burst: 1, perMinute: 0, waitSeconds: 86_400 } });
    const phone = (phoneNumber: string) => take(null, "auth.SendCode", { phoneNumber });
    expect([phone("+9 1"), phone("91"), phone("92")]).toEqual([null, 86_400, null]);
  });
});

describe("a wait that is ordered", () => {
  test("holds the accounts and the method it names, and counts down", () => {
    const { floods, take, pass } = bench(60, null);
    const end = floods.forceFlood({ accountIds: [1n], method: "messages.GetHistory", seconds: 30 });
    expect([take(1n, "messages.GetHistory"), take(2n, "messages.GetHistory"), take(1n)]).toEqual([30, null, null]);
    pass(28_500);
    expect(take(1n, "messages.GetHistory")).toBe(2);
    end();
    expect(take(1n, "messages.GetHistory")).toBeNull();
  });

  test("may hold all of an API ID", () => {
    const { floods, take, pass } = bench(1, null);
    floods.forceFlood({ apiId: 7, seconds: 5 });
    expect([take(1n, "a", {}, 7), take(2n, "b", {}, 7), take(1n, "a", {}, 8)]).toEqual([5, 5, null]);
    pass(5_000);
    expect(take(1n, "a", {}, 7)).toBeNull();
  });
});
