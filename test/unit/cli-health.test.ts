import { describe, expect, it } from "vitest";
import {
  judgeApiIds,
  judgeCompleteness,
  judgeKeyring,
  judgeQueues,
  judgeSchedule,
  judgeSessions,
  judgeWaits,
} from "../../cli/health/fleet.ts";
import { blame, duration, type Finding, lookAt, overall, together } from "../../cli/health/part.ts";
import { judgeProcesses } from "../../cli/health/processes.ts";
import { judgeClocks, judgeDisk, judgePostgres, judgeRedis } from "../../cli/health/services.ts";
import type { Presence } from "../../queue/presence.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

const postgres = {
  version: "17.1",
  isReplica: false,
  replicas: 0,
  connections: 9,
  maxConnections: 100,
  now: new Date(),
};
const redis = {
  ...{ node: "socket", version: "7.0", role: "master", loading: false, usedBytes: 5e6, maxBytes: 0, appendOnly: true },
  ...{ policy: "noeviction", roundTripMs: 1, aheadMs: 0 },
};
const ofRedis = (...given: Partial<typeof redis>[]) =>
  judgeRedis(given.map((one, index) => ({ node: `n${index}:1`, facts: { ...redis, node: `n${index}:1`, ...one } })));
const presence: Presence = { role: "scheduler", host: "one", pid: 7, startedAt: "", facts: {}, keys: [], ageMs: 100 };
const queue = {
  ...{ queue: "parse-1", paused: false, waiting: 3, delayed: 0, parked: 0, active: 1, failed: 0, completed: 9 },
  waitsUntil: null,
};
const sessions = { usable: 100, stale: 3, pending: 1, held: {}, endedLately: 0, keys: { k1: 100 }, leased: 4 };
const apiId = {
  ...{ apiId: 1, firstSeenAt: null, outOfServiceAt: null, reason: null, refusals: 0, probeAt: null },
  ...{ drainingAt: null, retiredAt: null, unconfiguredAt: null },
  ...{ sessions: 9, held: 0, frozen: 0, frozenLately: 0, bannedLately: 0 },
};
const out = { ...apiId, outOfServiceAt: new Date(0), reason: "API_ID_INVALID", held: 9 };
const totals = { covered: 9, unverified: 0, missing: 5, incomplete: 1, oldestGapSeconds: 60 };
const schedule = { schedulable: 10, due: 1, underWay: 2, late: 0, worstLagSeconds: 0 };
const none = { without: "down" } as const;

/** What is found, and a word of what is said or to be done. */
const CASES: readonly [what: string, found: Finding, state: Finding["state"], word: RegExp][] = [
  ["PostgreSQL as it should be", judgePostgres(postgres, 2), "ok", /^17\.1, schema up to date, 9 of 100 connections$/],
  ["a replica", judgePostgres({ ...postgres, isReplica: true }, 2), "down", /point DATABASE_URL at the primary/],
  ["few connections left", judgePostgres({ ...postgres, connections: 90 }, 2), "degraded", /90 of 100.*PgBouncer/],
  ["a slow PostgreSQL", judgePostgres(postgres, 900), "degraded", /takes 900 ms.*pg_stat_activity/],
  ["Redis as it should be", ofRedis({}), "ok", /^7\.0, noeviction, 5 MB in use$/],
  ["a cluster", ofRedis({}, {}, {}), "ok", /3 nodes/],
  ["a Redis that evicts", ofRedis({ policy: "allkeys-lru" }), "down", /evicts keys.*set maxmemory-policy noeviction/],
  ["a Redis that fills", ofRedis({ usedBytes: 8e8, maxBytes: 1e9 }), "degraded", /80 % full.*raise maxmemory/],
  ["a full Redis", ofRedis({ usedBytes: 98e7, maxBytes: 1e9 }), "down", /98 % full/],
  ["a Redis that loads", ofRedis({ loading: true }), "down", /loading/],
  ["a replica of Redis", ofRedis({ role: "slave" }), "down", /is a replica.*primary/],
  ["replicas in a cluster", ofRedis({}, { role: "slave" }), "ok", /2 nodes/],
  [
    "a node away",
    judgeRedis([
      { node: "a:1", facts: redis },
      { node: "b:1", facts: null },
    ]),
    "degraded",
    /b:1 does not answer/,
  ],
  ["no node there", judgeRedis([{ node: "a:1", facts: null }]), "down", /start Redis/],
  ["a slow Redis", ofRedis({ roundTripMs: 400 }), "degraded", /slowlog/],
  ["clocks that agree", judgeClocks({ PostgreSQL: 1_900, Redis: -1_900 }), "ok", /within 2 s/],
  ["a clock ahead", judgeClocks({ PostgreSQL: 60_000, Redis: 0 }), "degraded", /PostgreSQL's is 60\.0 s ahead.*chrony/],
  ["room on the disk", judgeDisk(50e9, 100e9, "/x"), "ok", /50 GB/],
  ["little room", judgeDisk(1e9, 100e9, "/x"), "degraded", /make room/],
  ["no room", judgeDisk(1e8, 100e9, "/x"), "down", /make room/],
  ["a scheduler", judgeProcesses("scheduler", [presence], none), "ok", /^1 scheduler runs$/],
  ["no scheduler", judgeProcesses("scheduler", [{ ...presence, role: "worker" }], none), "down", /start one/],
  ["no bot, where none is configured", judgeProcesses("bot", [], { without: "off" }), "off", /^none runs $/],
  [
    "one of two died",
    judgeProcesses("scheduler", [presence, { ...presence, pid: 8, ageMs: 40_000 }], none),
    "degraded",
    /one \(pid 8\) is silent for 40 s.*log/,
  ],
  [
    "the only one died",
    judgeProcesses("scheduler", [{ ...presence, ageMs: 40_000 }], none),
    "down",
    /none runs.*silent/,
  ],
  [
    "a scheduler that scans no more",
    judgeProcesses("scheduler", [{ ...presence, facts: { scannedSecondsAgo: 45 } }], none),
    "down",
    /scanned 45 s ago/,
  ],
  ["users on time", judgeSchedule(schedule), "ok", /10 users on time, 1 due, 2 taken up/],
  [
    "some late",
    judgeSchedule({ ...schedule, late: 2, worstLagSeconds: 130 }),
    "degraded",
    /2 of 10 users late, by up to 2 min/,
  ],
  ["nearly all, very late", judgeSchedule({ ...schedule, late: 9, worstLagSeconds: 9_000 }), "down", /3 h/],
  ["nobody yet", judgeSchedule({ ...schedule, schedulable: 0 }), "ok", /no session is usable/],
  ["queues at work", judgeQueues([queue, { ...queue, queue: "parse-2" }]), "ok", /2 queues, 6 waiting, 2 active/],
  ["a paused queue", judgeQueues([{ ...queue, paused: true }]), "degraded", /gramfleet queue resume parse-1/],
  [
    "a queue that waits",
    judgeQueues([{ ...queue, waitsUntil: new Date(0) }]),
    "degraded",
    /until 1970-01-01 00:00:00Z/,
  ],
  ["parked jobs", judgeQueues([{ ...queue, parked: 2 }]), "degraded", /2 jobs that ended the worker/],
  ["API IDs in service", judgeApiIds([apiId], [1, 2]), "ok", /2 API IDs in service/],
  ["one refused", judgeApiIds([out], [1, 2]), "degraded", /API_ID_INVALID.*9 sessions held.*api-ids resume 1/],
  [
    "one not configured",
    judgeApiIds([{ ...apiId, unconfiguredAt: new Date(0), held: 9 }], [2]),
    "degraded",
    /put 1 back/,
  ],
  ["one retired", judgeApiIds([{ ...out, retiredAt: new Date(0) }], [2]), "ok", /2 API IDs/],
  [
    "accounts lost",
    judgeApiIds([{ ...apiId, frozenLately: 2, bannedLately: 1 }], [1]),
    "degraded",
    /2 frozen, 1 banned/,
  ],
  ["few lost", judgeApiIds([{ ...apiId, frozenLately: 2 }], [1]), "ok", /in service/],
  ["all refused", judgeApiIds([out], [1]), "down", /api-ids resume 1/],
  ["none anywhere", judgeApiIds([], []), "off", /none is configured/],
  ["sessions in use", judgeSessions(sessions), "ok", /100 usable, 3 ended, 1 logging in, 0 held, 4 in use/],
  ["another's account", judgeSessions({ ...sessions, held: { owner_mismatch: 1 } }), "degraded", /security alarm/],
  ["a few held", judgeSessions({ ...sessions, held: { frozen: 2 } }), "ok", /2 held/],
  ["many held", judgeSessions({ ...sessions, held: { frozen: 20 } }), "degraded", /20 frozen.*sessions release/],
  ["sessions dying", judgeSessions({ ...sessions, endedLately: 7 }), "degraded", /ended 7 sessions within an hour/],
  ["every key there", judgeKeyring(sessions, ["k2", "k1"]), "ok", /2 keys/],
  ["a key missing", judgeKeyring(sessions, ["k2"]), "down", /100 sessions are sealed by key k1/],
  ["no keyring here", judgeKeyring(sessions, []), "off", /not looked at/],
  ["nobody waits", judgeWaits({ accounts: 0, long: 0 }, [], 10), "ok", /no account waits/],
  ["few wait", judgeWaits({ accounts: 1, long: 1 }, [], 10), "ok", /1 account waits, 1 of them long/],
  ["many wait", judgeWaits({ accounts: 4, long: 4 }, [], 10), "degraded", /4 of 10 accounts/],
  [
    "a paused API ID",
    judgeWaits({ accounts: 0, long: 0 }, [{ apiId: 1, method: null, until: null }], 10),
    "degraded",
    /API ID 1: everything paused until one account/,
  ],
  [
    "a gap that is being filled",
    judgeCompleteness(totals, 3_600),
    "ok",
    /1 channel incomplete for up to 60 s: 5 ids missing/,
  ],
  ["a gap that stays", judgeCompleteness({ ...totals, oldestGapSeconds: 7_200 }, 3_600), "degraded", /2 h.*--gaps/],
  ["no gap", judgeCompleteness({ ...totals, incomplete: 0 }, 3_600), "ok", /nothing is missing/],
];

it.each(CASES)("%s", (_, found, state, word) => {
  expect(`${found.says} ${found.todo ?? ""}`.trimEnd() + (found.state === "off" ? " " : "")).toMatch(word);
  expect(found.state).toBe(state);
  // Whatever is wrong says what is to be done about it.
  if (state === "degraded" || state === "down") expect(found.todo).toMatch(/\S/);
});

describe("a part", () => {
  it("that hangs is down after its patience, and no error escapes", async () => {
    const [slow, failed, told] = await Promise.all([
      lookAt("slow", () => new Promise(() => {})),
      lookAt("failed", async () => Promise.reject(new Error("no\nsuch thing"))),
      lookAt("told", async () =>
        Promise.reject(new OperatorError("the database has no schema: run gramfleet migrate")),
      ),
    ]);
    expect(slow).toMatchObject({ name: "slow", state: "down", says: "did not answer in 3 s" });
    expect(failed).toEqual({ name: "failed", state: "down", says: "no such thing" });
    expect(told).toEqual({
      name: "told",
      state: "down",
      says: "the database has no schema",
      todo: "run gramfleet migrate",
    });
  });

  it("that could not be told for a service that is down says so, and others speak for themselves", () => {
    const down = (name: string) => ({ name, state: "down", says: "?" }) as const;
    const up = { name: "waits", state: "ok", says: "fine" } as const;
    expect(blame([down("Redis"), down("queues"), up, down("users")], { Redis: ["queues", "waits"] })).toEqual([
      down("Redis"),
      { name: "queues", state: "down", says: "cannot be told while Redis is down" },
      up,
      down("users"),
    ]);
  });

  it("is as bad as its worst finding; so is the fleet, and what is off counts for nothing", () => {
    const [ok, off, degraded, down] = (["ok", "off", "degraded", "down"] as const).map((state) => ({
      ...{ name: state, state, says: state, todo: `mend ${state}` },
    }));
    if (!ok || !off || !degraded || !down) throw new Error("four");
    expect(together([degraded, down])).toEqual({
      state: "down",
      says: "down; degraded",
      todo: "mend down; mend degraded",
    });
    expect([[ok, off], [ok, degraded], [degraded, down], []].map(overall)).toEqual(["ok", "degraded", "down", "ok"]);
  });

  it("says how long in the largest unit that is no coarser than it needs", () => {
    expect([0.4, 119, 150, 7_300, 200_000].map(duration)).toEqual(["0 s", "119 s", "3 min", "2 h", "2 days"]);
  });
});
