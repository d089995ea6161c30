import type { LifeEvent } from "../db/channel-life.ts";
import { when } from "./output.ts";

/** What happened, in plain words, the gravest first; null where there is nothing to say. */
export function lifeText(life: readonly LifeEvent[]): string | null {
  return life.length === 0 ? null : life.map(lifeWords).join("; ");
}

/** One event in plain words, with since when it is so. */
export function lifeWords(event: LifeEvent): string {
  const since = `since ${when(event.since)}`;
  switch (event.kind) {
    case "renamed":
      return `renamed ${since}, was "${event.from}"`;
    case "username_changed":
      return `is @${event.to} ${since}${event.from === null ? "" : `, was @${event.from}`}`;
    case "made_private":
      return `private ${since}, was @${event.from}`;
    case "migrated":
      return `a supergroup ${since}, was basic group ${event.fromGroup}`;
    case "partly_lost":
      return `${event.lost} of ${event.accounts} users cannot read it ${since}, the others do`;
    case "out_of_reach":
      return `nobody here reaches it ${since}: deleted, or private and closed to them`;
    case "deleted":
      return `deleted: Telegram knows it no more ${since}`;
    case "access_lost":
      return `${LOST[event.reason] ?? LOST.invalid} ${since}${event.othersRead ? ", others here still read it" : ""}${again(event.lookAgainAt)}`;
    case "name_lost":
      return event.holder
        ? `@${event.name} is another channel's now ("${event.holder.title}", ${event.holder.id}), not this one's ${since}: what was followed is followed on`
        : `not @${event.name} any more ${since}: it is followed all the same`;
    case "not_resolved":
      return event.reason === "pending"
        ? "not looked up yet: with the next parse"
        : `${UNRESOLVED[event.reason] ?? UNRESOLVED.invalid} ${since}${again(event.lookAgainAt)}`;
  }
}

const LOST: Readonly<Record<string, string>> = {
  private: "no access: private, deleted, or the account was removed from it,",
  banned: "no access: the account is banned from it",
  invalid: "no access: Telegram knows no such channel any more",
  not_found: "no access: Telegram does not find it",
  not_a_channel: "no access: Telegram calls it no channel any more",
};

const UNRESOLVED: Readonly<Record<string, string>> = {
  not_found: "no channel of this name",
  not_a_channel: "a person's or bot's name, no channel's,",
  basic_group: "a basic group, which is not read until it becomes a supergroup,",
  private: "there, but closed to this account",
  banned: "there, but this account is banned from it",
  invalid: "refused by Telegram",
};

const again = (at: Date | null): string =>
  at ? `, looked at again after ${when(at)}` : ", looked at with the next parse";
