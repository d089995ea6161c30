import { describe, expect, it } from "vitest";
import { lifeText } from "../../cli/channel-life.ts";
import {
  type ChannelLifeFacts,
  channelLife,
  channelState,
  type SubscriptionLifeFacts,
  subscriptionLife,
} from "../../db/channel-life.ts";

const at = (day: number) => new Date(Date.UTC(2026, 0, day));
const quiet: ChannelLifeFacts = {
  channelId: 5n,
  title: "News",
  username: "news",
  formerTitle: null,
  titleSince: at(1),
  usernameSince: null,
  formerUsername: null,
  migratedFrom: null,
  accounts: 3,
  lost: 0,
  lostSince: null,
  allLostSince: null,
  unknown: 0,
  skipped: 0,
};
const lost = (count: number, unknown = 0) => ({
  ...quiet,
  lost: count,
  unknown,
  lostSince: at(2),
  allLostSince: at(4),
});
const read: SubscriptionLifeFacts = {
  state: "active",
  stateSince: at(1),
  lookAt: null,
  channelId: 5n,
  access: { state: "ok", since: at(1), recheckAt: null },
  lostName: null,
};

describe("a channel's state", () => {
  it.each([
    ["nobody has lost it", quiet, "active"],
    ["nobody ever had it", { ...quiet, accounts: 0 }, "active"],
    ["one has lost it", lost(1), "partly_lost"],
    ["one is told that there is none, others read it", lost(1, 1), "partly_lost"],
    ["all have lost it, and were in it", lost(3), "out_of_reach"],
    ["all have lost it, and Telegram knows it no more", lost(3, 1), "deleted"],
  ])("where %s", (_, facts, state) => {
    expect(channelState(facts)).toBe(state);
  });
});

describe("what happened to a channel", () => {
  it.each([
    ["nothing", quiet, null],
    [
      "renamed, with another username",
      {
        ...quiet,
        formerTitle: "Olds",
        titleSince: at(2),
        usernameSince: at(3),
        formerUsername: { name: "olds", until: at(3) },
      },
      'is @news since 2026-01-03 00:00:00Z, was @olds; renamed since 2026-01-02 00:00:00Z, was "Olds"',
    ],
    ["made public", { ...quiet, usernameSince: at(3) }, "is @news since 2026-01-03 00:00:00Z"],
    [
      "made private",
      { ...quiet, username: null, formerUsername: { name: "news", until: at(3) } },
      "private since 2026-01-03 00:00:00Z, was @news",
    ],
    [
      "migrated",
      { ...quiet, migratedFrom: { id: 77n, at: at(3) } },
      "a supergroup since 2026-01-03 00:00:00Z, was basic group 77",
    ],
    ["lost by some, since the first", lost(1), "1 of 3 users cannot read it since 2026-01-02 00:00:00Z, the others do"],
    [
      "lost by all, since the last",
      lost(3),
      "nobody here reaches it since 2026-01-04 00:00:00Z: deleted, or private and closed to them",
    ],
    ["deleted", lost(3, 3), "deleted: Telegram knows it no more since 2026-01-04 00:00:00Z"],
  ])("is told: %s", (_, facts, text) => {
    expect(lifeText(channelLife(facts))).toBe(text);
  });
});

describe("what a user is told", () => {
  const holder = { id: 6n, title: "Others" };
  it.each([
    ["nothing", read, quiet, null],
    ["nothing of what others have lost", read, lost(1), null],
    [
      "that the account alone has lost it",
      { ...read, access: { state: "private", since: at(3), recheckAt: at(9) } },
      lost(1),
      "no access: private, deleted, or the account was removed from it, since 2026-01-03 00:00:00Z, others here still read it, looked at again after 2026-01-09 00:00:00Z",
    ],
    [
      "that its name is gone",
      { ...read, lostName: { name: "alpha", since: at(3), holder: null } },
      quiet,
      "not @alpha any more since 2026-01-03 00:00:00Z: it is followed all the same",
    ],
    [
      "whose its name is now",
      { ...read, lostName: { name: "alpha", since: at(3), holder } },
      quiet,
      `@alpha is another channel's now ("Others", 6), not this one's since 2026-01-03 00:00:00Z: what was followed is followed on`,
    ],
    [
      "that nobody has the name",
      { ...read, state: "not_found", channelId: null, lookAt: at(9), access: null },
      null,
      "no channel of this name since 2026-01-01 00:00:00Z, looked at again after 2026-01-09 00:00:00Z",
    ],
    [
      "that it is to be looked up",
      { ...read, state: "pending", channelId: null, access: null },
      null,
      "not looked up yet: with the next parse",
    ],
    [
      "that it is a basic group",
      { ...read, state: "basic_group", channelId: null, access: null },
      null,
      "a basic group, which is not read until it becomes a supergroup, since 2026-01-01 00:00:00Z, looked at with the next parse",
    ],
  ])("is %s", (_, facts, channel, text) => {
    expect(lifeText(subscriptionLife(facts, channel))).toBe(text);
  });
});
