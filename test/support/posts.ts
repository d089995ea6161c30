import type { ChannelMessage } from "../../db/message.ts";

/** A plain post; what a test is about is given. */
export function post(given: Partial<ChannelMessage> & { id: number }): ChannelMessage {
  return {
    channelId: 1n,
    kind: "message",
    date: new Date(1_700_000_000_000 + given.id * 1000),
    editDate: null,
    editHidden: false,
    text: "",
    entities: [],
    media: null,
    groupedId: null,
    forward: null,
    reply: null,
    from: null,
    author: null,
    viaBotId: null,
    pinned: false,
    silent: false,
    noForwards: false,
    service: null,
    stats: { views: null, forwards: null, replies: null, reactions: null, pollResults: null },
    ...given,
  };
}
