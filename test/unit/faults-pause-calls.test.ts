import { expect, test } from "vitest";
import { type ArrivedCall, pauseSeen } from "../../faults/pause-calls.ts";

const OPEN = "users.GetUsers";
const flooded = (at: number, accountId: bigint, waitSeconds: number, method = OPEN): ArrivedCall => ({
  ...{ at, accountId, method, waitSeconds },
  answeredAt: at,
});
const through = (at: number, accountId: bigint, method = OPEN): ArrivedCall => ({
  ...{ at, accountId, method },
  waitSeconds: null,
  answeredAt: at + 1_000,
});
const FLOODS = [flooded(0, 1n, 6), flooded(500, 2n, 5), flooded(1_000, 3n, 5)];

test("a pause of five seconds, a probe that is flooded, one that is let through, and then everybody", () => {
  const calls = [
    ...FLOODS,
    through(1_300, 4n, "messages.GetPeerDialogs"),
    flooded(6_100, 5n, 30),
    through(16_200, 4n),
    through(17_300, 1n),
  ];
  expect(pauseSeen(calls, OPEN)).toEqual({
    ...{ pauseMs: 5_000, lastCallMs: 300, earlyMs: 0, besides: 0 },
    probes: [calls[4], calls[5]],
  });
  expect(pauseSeen(calls.slice(0, 5), OPEN)).toBeNull();
});

test("is told from one that goes on being called, is tried early, or by several accounts", () => {
  const end = through(16_200, 4n);
  expect(pauseSeen([...FLOODS, flooded(5_900, 6n, 1), end], OPEN)?.lastCallMs).toBe(4_900);
  expect(pauseSeen([...FLOODS, flooded(6_100, 5n, 30), through(6_900, 4n)], OPEN)?.earlyMs).toBe(9_200);
  expect(pauseSeen([...FLOODS, end, through(17_000, 7n), through(17_100, 8n, "other")], OPEN)?.besides).toBe(2);
});
