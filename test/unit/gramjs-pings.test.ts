import type { Api } from "telegram/tl/api.js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Pings } from "../../telegram/gramjs/pings.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const times = { pingEveryMs: 5_000, pingDisconnectMs: 12_000 };

it("pings at once and then at its interval, with the delay in whole seconds, until stopped", async () => {
  const sent: Api.PingDelayDisconnect[] = [];
  const lost = vi.fn();
  const pings = new Pings(times, { lost, sendPing: async (ping) => void sent.push(ping) });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(13);
  expect(new Set(sent.map((ping) => ping.disconnectDelay))).toEqual(new Set([12]));
  expect(new Set(sent.map((ping) => ping.pingId.toString())).size).toBe(13);
  expect(lost).not.toHaveBeenCalled();
  pings.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(13);
});

it.each([
  [1_200, 1],
  [12_999, 12],
  [500, 1],
])("rounds a delay of %i ms down, to at least a second", (pingDisconnectMs, seconds) => {
  const sent: Api.PingDelayDisconnect[] = [];
  const short = { ...times, pingDisconnectMs };
  new Pings(short, { lost() {}, sendPing: async (ping) => void sent.push(ping) }).stop();
  expect(sent[0]!.disconnectDelay).toBe(seconds);
});

it("says that the connection is lost when no pong has come for the delay", async () => {
  const lost = vi.fn();
  const pings = new Pings(times, { lost, sendPing: () => new Promise(() => {}) });
  await vi.advanceTimersByTimeAsync(12_000);
  expect(lost).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(8_000);
  expect(lost).toHaveBeenCalled();
  pings.stop();
});
