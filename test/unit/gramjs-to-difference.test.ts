import bigInt from "big-integer";
import { BinaryReader } from "telegram/extensions/BinaryReader.js";
import { Api } from "telegram/tl/api.js";
import { expect, it } from "vitest";
import { toDifference } from "../../telegram/gramjs/to-difference.ts";

const CHANNEL = 1_075_565_753n;
const channelId = bigInt(CHANNEL.toString());
const another = bigInt(5);

it("takes counters, pins and deletions of its own channel from whatever else a difference tells", () => {
  const otherUpdates: Api.TypeUpdate[] = [
    new Api.UpdateChannelMessageViews({ channelId, id: 7, views: 1_200 }),
    new Api.UpdateChannelMessageForwards({ channelId, id: 7, forwards: 3 }),
    new Api.UpdateChannelMessageViews({ channelId: another, id: 8, views: 9 }),
    new Api.UpdateChannelMessageForwards({ channelId: another, id: 8, forwards: 9 }),
    new Api.UpdatePinnedChannelMessages({ channelId, messages: [7], pinned: true, pts: 5, ptsCount: 1 }),
    new Api.UpdateDeleteChannelMessages({ channelId, messages: [6], pts: 6, ptsCount: 1 }),
    new Api.UpdateChannelUserTyping({
      channelId,
      fromId: new Api.PeerUser({ userId: another }),
      action: new Api.SendMessageTypingAction(),
    }),
  ];
  const answer = new Api.updates.ChannelDifference({
    final: true,
    pts: 6,
    newMessages: [],
    otherUpdates,
    chats: [],
    users: [],
  });
  const read = new BinaryReader(answer.getBytes()).tgReadObject() as Api.updates.ChannelDifference;
  expect(toDifference(CHANNEL, read)).toEqual({
    kind: "difference",
    pts: 6,
    final: true,
    newMessages: [],
    editedMessages: [],
    deletedIds: [6],
    pins: [{ ids: [7], pinned: true }],
    counters: [
      { id: 7, views: 1_200, forwards: null },
      { id: 7, views: null, forwards: 3 },
    ],
    skipped: [],
  });
});
