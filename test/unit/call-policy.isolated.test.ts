import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { AccountCalls, type CallSurroundings, type FloodOptions } from "../../telegram/call-policy.ts";
import { AuthLost, FloodWait, LeaseLost, PeerGone, RpcRefused, Transient, WaitRunning } from "../../telegram/errors.ts";
import { type MethodPauses, noMethodPauses } from "../../telegram/flood-scope.ts";
import { ApiIdPaused, LimiterUnavailable } from "../../telegram/limiter.ts";
import type { RunningWait } from "../../telegram/waits.ts";

const METHOD = "messages.getHistory";
const call = { method: METHOD };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Given {
  flood?: Partial<FloodOptions>;
  telegramId?: bigint;
  ownApi?: boolean;
  pauses?: Partial<MethodPauses>;
}

function setUp(options: Given = {}) {
  const waits = new Map<string, number>();
  const slots: number[] = [];
  const paused: number[] = [];
  const state = { open: true, limiterFails: null as Error | null, inSlot: () => {} };
  const metrics = createMetrics();
  const around: CallSurroundings = {
    limiter: {
      async run(apiId, work) {
        if (state.limiterFails) throw state.limiterFails;
        slots.push(apiId);
        state.inSlot();
        return work();
      },
      async pause(_apiId, milliseconds) {
        paused.push(milliseconds);
      },
    },
    waits: {
      check(_account, method, chatId = 0n): RunningWait | null {
        const until = waits.get(`${method} ${chatId}`) ?? 0;
        return until > Date.now() ? { until: new Date(until), scope: chatId === 0n ? "method" : "chat" } : null;
      },
      async record({ method, chatId, seconds }) {
        waits.set(`${method} ${chatId}`, Date.now() + seconds * 1000);
        return new Date(Date.now() + seconds * 1000);
      },
    },
    flood: { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account", ...options.flood },
    pauses: { ...noMethodPauses, ...options.pauses },
    callsInFlight: 2,
    metrics,
    clock: systemClock,
    log: silentLog,
  };
  const policy = new AccountCalls(around, {
    telegramId: options.telegramId ?? 1n,
    apiId: 1001,
    ownApi: options.ownApi ?? false,
    lease: { isOpen: () => state.open },
  });
  const counted = async (name: string, labels: Record<string, string>) => {
    const metric = await metrics.registry.getSingleMetric(name)?.get();
    const found = metric?.values.find((value) => Object.entries(labels).every(([k, v]) => value.labels[k] === v));
    return found?.value ?? 0;
  };
  return { policy, waits, slots, paused, state, counted };
}

/** Floods first, then answers; gives how often it was asked. */
const floodingOnce = (seconds: number, scope: "method" | "chat" = "method") => {
  const asked: number[] = [];
  const invoke = async () => {
    asked.push(Date.now());
    if (asked.length === 1) throw new FloodWait("FLOOD_WAIT", METHOD, seconds, scope);
    return "answer";
  };
  return { asked, invoke };
};

describe("before the call", () => {
  test("a wait that runs costs no slot and sends nothing", async () => {
    const { policy, waits, slots } = setUp();
    waits.set(`${METHOD} 0`, Date.now() + 60_000);
    const invoke = vi.fn();
    await expect(policy.run(call, invoke)).rejects.toMatchObject({ name: "WaitRunning", scope: "method" });
    expect(slots).toEqual([]);
    expect(invoke).not.toHaveBeenCalled();
  });

  test("the lease is looked at after the slot, right before the write", async () => {
    const { policy, state } = setUp();
    state.inSlot = () => {
      state.open = false;
    };
    const invoke = vi.fn();
    await expect(policy.run(call, invoke)).rejects.toThrow(LeaseLost);
    expect(invoke).not.toHaveBeenCalled();
  });

  test("so are the waits: one that came while this call stood in line holds it", async () => {
    const { policy, state, waits } = setUp();
    state.inSlot = () => waits.set(`${METHOD} 0`, Date.now() + 60_000);
    const invoke = vi.fn();
    await expect(policy.run(call, invoke)).rejects.toThrow(WaitRunning);
    expect(invoke).not.toHaveBeenCalled();
  });

  test("a paused API ID is a wait, a limiter that cannot be asked is worth another try", async () => {
    const { policy, state } = setUp();
    const until = new Date(Date.now() + 60_000);
    state.limiterFails = new ApiIdPaused(until);
    await expect(policy.run(call, async () => 1)).rejects.toMatchObject({
      name: "WaitRunning",
      scope: "api_id",
      until,
    });
    state.limiterFails = new LimiterUnavailable("away");
    await expect(policy.run(call, async () => 1)).rejects.toThrow(Transient);
  });
});

describe("a method that is paused for the API ID", () => {
  const auto = { scope: "auto" } as const;
  const until = () => new Date(Date.now() + 60_000);

  test.each([
    { known: "before the slot", pauses: { check: until } },
    { known: "when Redis is asked for the probe", pauses: { admit: async () => until() } },
    { known: "right before the write", pauses: { enter: until } },
  ])("is not called where that is known $known", async ({ pauses }) => {
    const { policy } = setUp({ flood: auto, pauses });
    const invoke = vi.fn();
    await expect(policy.run(call, invoke)).rejects.toMatchObject({ name: "WaitRunning", scope: "api_method" });
    expect(invoke).not.toHaveBeenCalled();
  });

  test.each([
    { what: "an answer", error: null, told: "answered" },
    { what: "a refusal of the channel", error: new PeerGone("CHANNEL_PRIVATE", METHOD, "private"), told: "answered" },
    { what: "a lost connection", error: new Transient("CONNECTION_LOST", METHOD), told: "gaveUp" },
    { what: "slow mode", error: new FloodWait("SLOWMODE_WAIT", METHOD, 60, "chat"), told: "gaveUp" },
    { what: "a flood", error: new FloodWait("FLOOD_WAIT", METHOD, 60), told: "flooded" },
  ])("hears of $what", async ({ error, told }) => {
    const heard: string[] = [];
    const pauses: Partial<MethodPauses> = {
      answered: () => void heard.push("answered"),
      gaveUp: () => void heard.push("gaveUp"),
      flooded: async () => void heard.push("flooded"),
    };
    const { policy } = setUp({ flood: auto, pauses });
    await policy.run(call, async () => (error ? Promise.reject(error) : "answer")).catch(() => undefined);
    expect(heard).toEqual([told]);
  });

  test("does not concern FLOOD_SCOPE=account", async () => {
    const { policy } = setUp({ pauses: { check: until, enter: until, admit: async () => until() } });
    await expect(policy.run(call, async () => "answer")).resolves.toBe("answer");
  });
});

describe("a session that Telegram has ended", () => {
  test("is not called with again: what waits in line is refused with the same reason", async () => {
    const { policy } = setUp();
    let asked = 0;
    const invoke = async () => {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
      throw new AuthLost("SESSION_REVOKED", METHOD);
    };
    const calls = Array.from({ length: 6 }, () => policy.run(call, invoke));
    const ends = expect(Promise.allSettled(calls)).resolves.toEqual(
      Array(6).fill({ status: "rejected", reason: expect.any(AuthLost) }),
    );
    await vi.runAllTimersAsync();
    await ends;
    // Two were under way when the first answer came.
    expect(asked).toBe(2);
  });
});

describe("a flood", () => {
  test("up to two seconds is waited in place, and no call comes before its time is up", async () => {
    const { policy } = setUp();
    const { asked, invoke } = floodingOnce(2);
    const done = policy.run(call, invoke);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10);
    await expect(done).resolves.toBe("answer");
    expect(asked[1]! - asked[0]!).toBeGreaterThanOrEqual(2_000);
    expect(policy.tally()).toEqual({ calls: 2, waits: 1 });
  });

  test("longer ones are thrown at once, with their end, and written down", async () => {
    const { policy, waits } = setUp();
    const { asked, invoke } = floodingOnce(3);
    const until = new Date(Date.now() + 3_000);
    await expect(policy.run(call, invoke)).rejects.toMatchObject({ name: "WaitRunning", until });
    await expect(policy.run(call, invoke)).rejects.toThrow(WaitRunning);
    expect(asked).toHaveLength(1);
    expect(waits.size).toBe(1);
  });

  test("short ones in a row use up the patience for one call", async () => {
    const { policy } = setUp();
    let asked = 0;
    const startedAt = Date.now();
    const done = policy.run(call, async () => {
      asked += 1;
      throw new FloodWait("FLOOD_WAIT", METHOD, 1);
    });
    const refused = expect(done).rejects.toThrow(WaitRunning);
    await vi.runAllTimersAsync();
    await refused;
    expect(asked).toBe(3);
    expect(Date.now() - startedAt).toBeLessThan(2_100);
  });

  test("slow mode holds its chat only", async () => {
    const { policy, waits } = setUp();
    const { invoke } = floodingOnce(30, "chat");
    const chat = { method: METHOD, chatId: 5n };
    await expect(policy.run(chat, invoke)).rejects.toMatchObject({ name: "WaitRunning", scope: "chat" });
    expect([...waits.keys()]).toEqual([`${METHOD} 5`]);
    await expect(policy.run(call, async () => "other")).resolves.toBe("other");
  });

  test("the lease lost during the wait ends the call", async () => {
    const { policy, state } = setUp();
    const { asked, invoke } = floodingOnce(1);
    const lost = expect(policy.run(call, invoke)).rejects.toThrow(LeaseLost);
    await vi.advanceTimersByTimeAsync(1);
    state.open = false;
    await vi.runAllTimersAsync();
    await lost;
    expect(asked).toHaveLength(1);
  });

  test("FLOOD_SCOPE=api_id pauses the API ID for everybody", async () => {
    const { policy, paused } = setUp({ flood: { scope: "api_id" } });
    await expect(policy.run(call, floodingOnce(30).invoke)).rejects.toThrow(WaitRunning);
    expect(paused).toEqual([30_000]);
  });
});

describe("afterwards", () => {
  test.each([
    { outcome: "ok", error: null },
    { outcome: "flood", error: new FloodWait("FLOOD_WAIT", METHOD, 60) },
    { outcome: "timeout", error: new Transient("DEADLINE_PASSED", METHOD) },
    { outcome: "error", error: new RpcRefused("SOMETHING", METHOD, 400) },
  ])("$outcome is counted", async ({ outcome, error }) => {
    const { policy, counted } = setUp();
    await policy
      .run(call, async () => {
        if (error) throw error;
      })
      .catch(() => undefined);
    expect(await counted("telegram_api_calls_total", { api_id: "1001", method: METHOD, outcome })).toBe(1);
    expect(await counted("telegram_flood_waits_total", { api_id: "1001", method: METHOD })).toBe(
      outcome === "flood" ? 1 : 0,
    );
  });

  test("a user's own API ID counts as own", async () => {
    const { policy, counted } = setUp({ ownApi: true });
    await policy.run(call, async () => 1);
    expect(await counted("telegram_api_calls_total", { api_id: "own", outcome: "ok" })).toBe(1);
  });

  test("no more than two calls of an account are in flight", async () => {
    const { policy } = setUp();
    let inFlight = 0;
    let most = 0;
    const slow = async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inFlight -= 1;
    };
    const all = Promise.all(Array.from({ length: 6 }, () => policy.run(call, slow)));
    await vi.runAllTimersAsync();
    await all;
    expect(most).toBe(2);
  });
});
