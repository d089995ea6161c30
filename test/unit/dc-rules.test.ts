import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createAuthKeyStore } from "../../emulator/dc/auth-keys.ts";
import { HandedOutWaits, waitIn } from "../../emulator/dc/handed-out-waits.ts";
import { KeyGuard } from "../../emulator/dc/key-guard.ts";
import { keyIdOf } from "../../emulator/dc/message-cipher.ts";
import { createWitness } from "../../emulator/witness.ts";

describe("one key, one user of it", () => {
  /** Frames as connection:session, and closings as -connection; gives the conflicts. */
  function play(...steps: (readonly [connection: number, session: bigint] | number)[]) {
    const guard = new KeyGuard();
    return steps.flatMap((step) => {
      if (typeof step === "number") {
        guard.closed(1n, -step);
        return [];
      }
      const { conflict } = guard.frame(1n, step[0], step[1]);
      return conflict ? [conflict] : [];
    });
  }

  it.each([
    [
      "one client",
      [
        [1, 7n],
        [1, 7n],
      ],
      0,
    ],
    [
      "a successor while the predecessor is silent",
      [
        [1, 7n],
        [2, 8n],
        [2, 8n],
      ],
      0,
    ],
    [
      "a predecessor after its successor",
      [
        [1, 7n],
        [2, 8n],
        [1, 7n],
      ],
      1,
    ],
    ["a predecessor that closed", [[1, 7n], -1, [2, 8n], [2, 8n]], 0],
    ["a successor that closed", [[1, 7n], [2, 8n], -2, [1, 7n]], 0],
    [
      "a session that came back",
      [
        [1, 7n],
        [2, 7n],
        [1, 7n],
      ],
      0,
    ],
    [
      "the second of three",
      [
        [1, 7n],
        [2, 8n],
        [3, 9n],
        [2, 8n],
      ],
      1,
    ],
    [
      "the newest of three",
      [
        [1, 7n],
        [2, 8n],
        [3, 9n],
        [3, 9n],
      ],
      0,
    ],
    [
      "a session changed on the older",
      [
        [1, 7n],
        [2, 8n],
        [1, 8n],
      ],
      0,
    ],
  ] as const)("%s", (_name, steps, conflicts) => {
    expect(play(...steps)).toHaveLength(conflicts);
  });

  it("does not mix keys", () => {
    const guard = new KeyGuard();
    guard.frame(1n, 1, 7n);
    guard.frame(2n, 2, 8n);
    expect(guard.frame(1n, 1, 7n)).toEqual({ first: false, conflict: null });
    expect(guard.connections(2n)).toEqual([2]);
  });
});

describe("waits handed out", () => {
  it("run for their seconds, for one account and method", () => {
    const waits = new HandedOutWaits();
    waits.handOut("account 1", "messages.GetHistory", { seconds: 10, prefix: "FLOOD_WAIT_" }, 1_000);
    expect(waits.running("account 1", "messages.GetHistory", 10_999)).toMatchObject({ until: 11_000 });
    expect(waits.running("account 2", "messages.GetHistory", 1_001)).toBeNull();
    expect(waits.running("account 1", "messages.GetDialogs", 1_001)).toBeNull();
    expect(waits.running("account 1", "messages.GetHistory", 11_000)).toBeNull();
  });

  it("count as known from the earliest acknowledgement", () => {
    const waits = new HandedOutWaits();
    const wait = waits.handOut("key 1", "auth.SendCode", { seconds: 10, prefix: "FLOOD_WAIT_" }, 0);
    expect(wait.acknowledgedBy).toBeNull();
    waits.acknowledge(wait, 50n);
    waits.acknowledge(wait, 40n);
    waits.acknowledge(wait, 60n);
    expect(wait.acknowledgedBy).toBe(40n);
  });

  it("forgets what is over", () => {
    const waits = new HandedOutWaits();
    for (let account = 0; account < 3_000; account++)
      waits.handOut(`account ${account}`, "a", { seconds: 1, prefix: "FLOOD_WAIT_" }, account * 10);
    expect(waits.running("account 0", "a", 30_000)).toBeNull();
    expect(waits.running("account 2999", "a", 30_000)).not.toBeNull();
  });

  it.each([
    ["FLOOD_WAIT_30", { prefix: "FLOOD_WAIT_", seconds: 30 }],
    ["FLOOD_PREMIUM_WAIT_3", { prefix: "FLOOD_PREMIUM_WAIT_", seconds: 3 }],
    ["FROZEN_METHOD_INVALID", null],
    ["SLOWMODE_WAIT_10", null],
  ])("%s", (name, wait) => {
    expect(waitIn(name)).toEqual(wait);
  });
});

it("keeps keys, and tells a journal of every change", () => {
  const told: [bigint, string | null][] = [];
  const keys = createAuthKeyStore({
    onChange: (keyId, record) => told.push([keyId, record && `${record.accountId} ${record.ended?.errorMessage}`]),
  });
  const key = randomBytes(256);
  const record = keys.add(key, 2);
  keys.change(record, { accountId: 5n });
  expect(keys.ofAccount(5n)).toEqual([record]);
  keys.change(record, { ended: { code: 401, errorMessage: "SESSION_REVOKED" } });
  expect(keys.ofAccount(5n)).toEqual([]);
  keys.remove(record.keyId);
  expect(keys.get(record.keyId)).toBeUndefined();
  const id = keyIdOf(key);
  expect(told).toEqual([
    [id, "null undefined"],
    [id, "5 undefined"],
    [id, "5 SESSION_REVOKED"],
    [id, null],
  ]);
  expect(() => keys.plant({ key: Buffer.alloc(255), dcId: 2, accountId: 1n, apiId: 1 })).toThrow(RangeError);
});

it("remembers the last calls, and counts all of them", () => {
  const witness = createWitness({ calls: 10 });
  witness.connectionOpened({ connectionId: 1, dcId: 2, at: 0 });
  witness.keySeen({ connectionId: 1, keyId: 9n, sessionId: 4n, at: 5 });
  for (let at = 1; at <= 25; at++) {
    const outcome = at % 5 === 0 ? `FLOOD_WAIT_${at}` : "ok";
    const waitSeconds = at % 5 === 0 ? at : null;
    const method = "messages.GetHistory";
    witness.call({
      connectionId: 1,
      keyId: 9n,
      accountId: 3n,
      apiId: 1,
      dcId: 2,
      method,
      outcome,
      waitSeconds,
      early: false,
      at,
    });
  }
  witness.connectionClosed({ connectionId: 1, at: 30 });
  expect(witness.calls().map((call) => call.number)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  expect(witness.calls({ since: 23, accountId: 3n })).toHaveLength(2);
  expect(witness.calls({ accountId: 4n })).toEqual([]);
  expect(witness.connectionsOf(9n)).toEqual([
    { connectionId: 1, dcId: 2, sessionId: 4n, firstFrameAt: 5, closedAt: 30 },
  ]);
  expect(JSON.parse(JSON.stringify(witness.summary()))).toEqual({
    calls: 25,
    callsByMethod: { "messages.GetHistory": 25 },
    callsByAccount: { 3: 25 },
    callsByApiId: { 1: 25 },
    outcomes: { ok: 20, FLOOD_WAIT_X: 5 },
    waits: 5,
    earlyCalls: 0,
    violations: 0,
    keysKilled: 0,
    apiIdChanges: 0,
    connectionsOpen: 0,
    connectionsTotal: 1,
  });
});
