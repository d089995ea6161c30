import { describe, expect, it } from "vitest";
import { LeaseGone } from "../../db/database.ts";
import { Discard, PauseQueue, Snooze } from "../../queue/outcome.ts";
import { LeaseHeld, SessionUnusable } from "../../telegram/account.ts";
import * as errors from "../../telegram/errors.ts";
import { VaultError } from "../../telegram/vault.ts";
import { Interrupted } from "../../workers/interrupted.ts";
import { isPostponed, outcomeOf } from "../../workers/outcome-of.ts";

const AT = {
  now: 1_000_000,
  starts: 1,
  queue: "parse-1001",
  leaseHeldSnoozeMs: 5_000,
  apiIdPauseMs: 60_000,
  random: 0,
};
const OWN = { ...AT, queue: "parse-own" };
const until = (error: unknown, at = AT) => {
  const outcome = outcomeOf(error, at);
  if (!(outcome instanceof Snooze)) throw new Error("not a snooze");
  return outcome.until.getTime();
};

describe("what an error means for its job", () => {
  it.each([
    ["a running wait", new errors.WaitRunning("messages.getHistory", new Date(4_000_000), "method"), 4_000_000],
    ["a wait just told", new errors.FloodWait("FLOOD_WAIT", "messages.getHistory", 300), 1_300_000],
    ["a lost lease", new errors.LeaseLost("LEASE_LOST", "messages.getHistory"), 1_005_000],
    ["a lease that is gone", new LeaseGone("gone"), 1_005_000],
    ["an interruption", new Interrupted("interrupted"), 1_005_000],
    ["a PostgreSQL that shuts down", Object.assign(new Error("terminating connection"), { code: "57P01" }), 1_005_000],
    ["one that crashes", new Error("Connection terminated unexpectedly"), 1_005_000],
    ["one that is not there", Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), 1_005_000],
    ["a connection that broke", new Error("Client has encountered a connection error and is not queryable"), 1_005_000],
    ["a Redis that is away", new Error("Stream isn't writeable and enableOfflineQueue options is false"), 1_005_000],
    ["a lost connection", new errors.Transient("CONNECTION_LOST", "messages.getHistory"), 1_005_000],
    ["a statement that took too long", Object.assign(new Error("canceling"), { code: "57014" }), 1_005_000],
    ["a key that this keyring lacks", new VaultError("unknown_key", "key k2 is not in the keyring"), 1_060_000],
    ["no slot", new errors.Transient("LIMITER_UNAVAILABLE", "messages.getHistory"), 1_005_000],
  ])("snoozes for %s", (_what, error, expected) => {
    expect(until(error)).toBe(expected);
  });

  const after = new Date(AT.now + 7_000);
  it.each([
    ["a paused API ID", new errors.WaitRunning("messages.getHistory", after, "api_id"), 7_000],
    ["no opening for the API ID", new errors.WaitRunning("users.getUsers", after, "api_method"), 7_000],
    ["a refused API ID", new errors.ApiIdRefused("API_ID_INVALID", "users.getUsers"), 60_000],
  ])("pauses a master's queue for %s, and not the one that own API IDs share", (_what, error, milliseconds) => {
    expect(outcomeOf(error, AT)).toMatchObject({ name: "PauseQueue", milliseconds });
    expect(outcomeOf(error, OWN)).not.toBeInstanceOf(PauseQueue);
  });

  it("snoozes for one method that is paused: other jobs of the API ID can do without", () => {
    expect(until(new errors.WaitRunning("messages.getHistory", after, "api_method"))).toBe(after.getTime());
  });

  it("looks at a lease held elsewhere ever more rarely, up to the limit, and not all jobs at once", () => {
    const looks = (random: number) =>
      [1, 2, 3, 4, 5, 6, 50].map((starts) => until(new LeaseHeld("held"), { ...AT, starts, random }) - AT.now);
    expect(looks(1)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(looks(0.5)).toEqual([250, 375, 625, 1_125, 2_125, 2_625, 2_625]);
    expect(looks(0)).toEqual(Array(7).fill(250));
  });

  it.each([
    ["an unusable session", new SessionUnusable("STALE")],
    ["a lost session", new errors.AuthLost("AUTH_KEY_UNREGISTERED", "users.getUsers")],
    ["a frozen account", new errors.AccountFrozen("FROZEN_METHOD_INVALID", "messages.getHistory")],
    ["a refused API ID of one's own", new errors.ApiIdRefused("API_ID_PUBLISHED_FLOOD", "messages.getHistory")],
  ])("discards for %s", (_what, error) => {
    const outcome = outcomeOf(error, OWN);
    expect(outcome).toBeInstanceOf(Discard);
    expect((outcome as Discard).message).toBe(error.message);
  });

  it.each([
    ["a transient error that comes again and again", new errors.Transient("TIMEOUT", "messages.getHistory")],
    ["a statement that always takes too long", Object.assign(new Error("canceling"), { code: "57014" })],
    ["a refused request", new errors.RpcRefused("LIMIT_INVALID", "messages.getHistory", 400)],
    ["what nobody knows", new TypeError("a bug")],
  ])("leaves %s to the job table", (_what, error) => {
    const at = { ...AT, starts: 4 };
    expect(outcomeOf(error, at)).toBe(error);
    expect(isPostponed(outcomeOf(error, at))).toBe(false);
  });

  it("keeps outcomes that handlers throw themselves", () => {
    for (const outcome of [new Snooze(new Date(), "x"), new Discard("x"), new PauseQueue(5, "x")])
      expect(outcomeOf(outcome, AT)).toBe(outcome);
    expect(isPostponed(new PauseQueue(5, "x"))).toBe(true);
  });
});
