import type { Api } from "telegram/tl/api.js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startPings } from "../../telegram/gramjs/pings.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const times = { pingEveryMs: 5_000, pingDisconnectMs: 12_000 };

it("pings at once and then at its interval, with the delay in whole seconds, until stopped", async () => {
  const sent: Api.PingDelayDisconnect[] = [];
  const dead = vi.fn();
  const stop = startPings({ times, dead, send: async (ping) => void sent.push(ping) });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(13);
  expect(new Set(sent.map((ping) => ping.disconnectDelay))).toEqual(new Set([12]));
  expect(new Set(sent.map((ping) => ping.pingId.toString())).size).toBe(13);
  expect(dead).not.toHaveBeenCalled();
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(13);
});

it.each([
  [1_200, 1],
  [12_999, 12],
  [500, 1],
])("rounds a delay of %i ms down, to at least a second", (pingDisconnectMs, seconds) => {
  const sent: Api.PingDelayDisconnect[] = [];
  startPings({ times: { ...times, pingDisconnectMs }, dead() {}, send: async (ping) => void sent.push(ping) })();
  expect(sent[0]!.disconnectDelay).toBe(seconds);
});

it("says dead when no pong has come for the delay", async () => {
  const dead = vi.fn();
  const stop = startPings({ times, dead, send: () => new Promise(() => {}) });
  await vi.advanceTimersByTimeAsync(12_000);
  expect(dead).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(8_000);
  expect(dead).toHaveBeenCalled();
  stop();
});
