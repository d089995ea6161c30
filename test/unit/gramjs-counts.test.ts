import bigInt from "big-integer";
import { Api } from "telegram/tl/api.js";
import { expect, it } from "vitest";
import { GramJsApi } from "../../telegram/gramjs/api.ts";
import { plainPolicy } from "../support/wire-telegram.ts";

it("takes an inexact count for none: a page must not seem to be the whole channel", async () => {
  const one = new Api.Message({
    id: 5,
    peerId: new Api.PeerChannel({ channelId: bigInt(1) }),
    date: 1_700_000_000,
    message: "one",
  });
  const counted = async (inexact: boolean) => {
    const answer = new Api.messages.ChannelMessages({
      inexact,
      pts: 9,
      count: 1,
      messages: [one],
      topics: [],
      chats: [],
      users: [],
    });
    const api = new GramJsApi({ invoke: async () => answer as never }, plainPolicy);
    return (await api.history({ id: 1n, accessHash: 2n }, { offsetId: 0, limit: 100 })).count;
  };
  expect(await counted(false)).toBe(1);
  expect(await counted(true)).toBe(Number.POSITIVE_INFINITY);
});
