import { Api } from "telegram/tl/api.js";
import type { ChannelRef, DialogState, FullChannel, HistoryPage, TelegramApi } from "../api.ts";
import { PeerGone, PtsUnusable, RpcRefused } from "../errors.ts";
import type { CallPolicy } from "../policy.ts";
import { UNREADABLE_ANSWER } from "./classify.ts";
import { type DialogsOffset, firstDialogs, getDialogs, nextDialogs, withoutForbidden } from "./dialogs.ts";
import { fromLong, toInputChannel, toInputPeer, toLong } from "./ids.ts";
import { channelAmong, toBasicGroup, toDialogStates, toMe } from "./to-channel.ts";
import { toDifference } from "./to-difference.ts";
import { type MappedPage, toMessages } from "./to-message.ts";
import { historyAround, idById } from "./unreadable.ts";
import { type Wire, withoutUpdates } from "./wire.ts";

/** `messages.getDialogs` gives 100 at most (core.telegram.org/method/messages.getDialogs). */
const DIALOGS_PER_CALL = 100;

/** Who we are. */
export const getMe = () => ({
  method: "users.getUsers",
  request: new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }),
});

/** An answer that lists messages, with the counts that only some of its kinds carry. */
type MessagesAnswer = Exclude<Api.messages.TypeMessages, Api.messages.MessagesNotModified>;

/** The calls of `TelegramApi` over one wire: each through the policy, none waking pushed updates. */
export function createTelegramApi(wire: Pick<Wire, "invoke">, policy: CallPolicy): TelegramApi {
  const call = async <R extends Api.AnyRequest>(
    method: string,
    request: R,
    channel?: ChannelRef,
  ): Promise<R["__response"]> =>
    policy.run(channel ? { method, chatId: channel.id } : { method }, () =>
      wire.invoke(method, withoutUpdates(request)),
    ) as Promise<R["__response"]>;

  const pageOf = async (
    method: string,
    request: Api.messages.GetHistory | Api.channels.GetMessages,
    channel: ChannelRef,
  ): Promise<HistoryPage & MappedPage> => {
    const answer = await call(method, request, channel);
    if (answer.className === "messages.MessagesNotModified") throw new RpcRefused("NOT_MODIFIED", method, 0);
    return { ...toMessages(channel.id, answer.messages), ...countsOf(answer) };
  };

  const history = (
    channel: ChannelRef,
    page: { offsetId: number; limit: number; addOffset?: number; minId?: number },
  ) =>
    pageOf(
      "messages.getHistory",
      new Api.messages.GetHistory({
        peer: toInputPeer(channel),
        offsetId: page.offsetId,
        offsetDate: 0,
        addOffset: page.addOffset ?? 0,
        limit: page.limit,
        maxId: 0,
        minId: page.minId ?? 0,
        hash: toLong(0n),
      }),
      channel,
    );

  const byId = (channel: ChannelRef, ids: readonly number[]) =>
    pageOf(
      "channels.getMessages",
      new Api.channels.GetMessages({
        channel: toInputChannel(channel),
        id: ids.map((id) => new Api.InputMessageID({ id })),
      }),
      channel,
    );

  const fullChannel = async (channel: ChannelRef): Promise<FullChannel> => {
    const method = "channels.getFullChannel";
    const answer = await call(method, new Api.channels.GetFullChannel({ channel: toInputChannel(channel) }), channel);
    if (answer.fullChat.className !== "ChannelFull") throw new PeerGone("NOT_A_CHANNEL", method, "not_a_channel");
    return {
      info: channelAmong(answer.chats, channel.id, method, channel),
      pts: answer.fullChat.pts,
      participants: answer.fullChat.participantsCount ?? null,
      availableMinId: answer.fullChat.availableMinId ?? 0,
      migratedFrom: answer.fullChat.migratedFromChatId ? fromLong(answer.fullChat.migratedFromChatId) : null,
    };
  };

  return {
    async getMe() {
      const { method, request } = getMe();
      const users = await call(method, request);
      return toMe(users[0], method);
    },

    async resolveUsername(username) {
      const method = "contacts.resolveUsername";
      const answer = await call(method, new Api.contacts.ResolveUsername({ username: username.replace(/^@/, "") }));
      if (answer.peer.className !== "PeerChannel") throw new PeerGone("NOT_A_CHANNEL", method, "not_a_channel");
      return channelAmong(answer.chats, fromLong(answer.peer.channelId), method);
    },

    async peerDialogs(channels) {
      const method = "messages.getPeerDialogs";
      const peers = channels.map((channel) => new Api.InputDialogPeer({ peer: toInputPeer(channel) }));
      const answer = await call(method, new Api.messages.GetPeerDialogs({ peers })).catch(onUnreadable(() => null));
      if (answer) return toDialogStates(answer, method, channels);
      const [only, ...others] = channels;
      // Dialogs come with their newest post. Asking about fewer, the caller comes to the channel whose post it is.
      if (!only || others.length > 0) throw new RpcRefused(UNREADABLE_ANSWER, method, 0);
      const { info, pts } = await fullChannel(only);
      return [{ channelId: only.id, pts, topMessageId: 0, info }];
    },

    async channelDialogs(limit) {
      const method = "messages.getDialogs";
      const found: DialogState[] = [];
      let offset: DialogsOffset | null = firstDialogs;
      let size = DIALOGS_PER_CALL;
      for (let left = limit; left > 0 && offset; ) {
        size = Math.min(size, left);
        const request: Api.messages.GetDialogs = getDialogs(offset, size);
        const answer: Api.messages.TypeDialogs | null = await call(method, request).catch(onUnreadable(() => null));
        if (!answer) {
          // Up to the dialog whose newest post cannot be read, in halves; there is no way past it.
          size = Math.floor(size / 2);
          if (size === 0) break;
          continue;
        }
        if (answer.className === "messages.DialogsNotModified") break;
        found.push(...toDialogStates(withoutForbidden(answer), method));
        offset = nextDialogs(answer);
        left -= size;
      }
      return found;
    },

    fullChannel,

    async basicGroup(groupId) {
      const method = "messages.getChats";
      const answer = await call(method, new Api.messages.GetChats({ id: [toLong(groupId)] }));
      return toBasicGroup(answer.chats, groupId, method);
    },

    history: (channel, page) =>
      history(channel, page).catch(onUnreadable(() => historyAround({ history, byId }, channel, page))),

    async channelDifference(channel, since) {
      const method = "updates.getChannelDifference";
      const answer = await call(
        method,
        new Api.updates.GetChannelDifference({
          channel: toInputChannel(channel),
          filter: new Api.ChannelMessagesFilterEmpty(),
          pts: since.pts,
          limit: since.limit,
        }),
        channel,
      ).catch(
        onUnreadable(() => {
          // Read again by history, which can be read around the one unreadable message.
          throw new PtsUnusable(UNREADABLE_ANSWER, method, "invalid");
        }),
      );
      return toDifference(channel.id, answer);
    },

    async messagesById(channel, ids) {
      const page = await byId(channel, ids).catch(onUnreadable(() => idById({ byId }, channel, ids)));
      return { ...page, missing: page.empty };
    },

    async logOut() {
      await call("auth.logOut", new Api.auth.LogOut());
    },
  };
}

/** For `catch`: goes on with `instead` where the answer could not be read, and throws everything else again. */
function onUnreadable<T>(instead: () => T | Promise<T>): (error: unknown) => Promise<T> {
  return async (error) => {
    if (error instanceof RpcRefused && error.errorName === UNREADABLE_ANSWER) return instead();
    throw error;
  };
}

/** A count that Telegram calls inexact says nothing: with too low a one, a page would seem to be the whole channel. */
function countsOf(answer: MessagesAnswer): { pts: number | null; count: number } {
  const pts = answer.className === "messages.ChannelMessages" ? answer.pts : null;
  if (answer.className === "messages.Messages") return { pts, count: answer.messages.length };
  return { pts, count: answer.inexact ? Number.POSITIVE_INFINITY : answer.count };
}
