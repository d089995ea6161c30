import { Api } from "telegram/tl/api.js";
import type {
  BasicGroup,
  ChannelDifference,
  ChannelInfo,
  ChannelRef,
  DialogState,
  FullChannel,
  HistoryPage,
  Me,
  TelegramApi,
} from "../api.ts";
import { PeerGone, PtsUnusable, RpcRefused } from "../errors.ts";
import type { CallPolicy } from "../policy.ts";
import { UNREADABLE_ANSWER } from "./classify.ts";
import { type DialogsOffset, firstDialogs, getDialogs, nextDialogs, withoutForbidden } from "./dialogs.ts";
import { fromLong, toInputChannel, toInputPeer, toLong } from "./ids.ts";
import { channelAmong, toBasicGroup, toDialogStates, toMe } from "./to-channel.ts";
import { toDifference } from "./to-difference.ts";
import { type MappedPage, toMessages } from "./to-message.ts";
import { historyAround, idById } from "./unreadable.ts";
import type { Wire } from "./wire.ts";
import { withoutUpdates } from "./wrappers.ts";

/** `messages.getDialogs` gives 100 at most (core.telegram.org/method/messages.getDialogs). */
const DIALOGS_PER_CALL = 100;

/** Who we are. */
export const getMe = () => ({
  method: "users.getUsers",
  request: new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }),
});

/** A page of history: the messages below `offsetId` (0: from the newest on). */
interface HistoryAsked {
  readonly offsetId: number;
  readonly limit: number;
  readonly addOffset?: number;
  readonly minId?: number;
}

/** An answer that lists messages, with the counts that only some of its kinds carry. */
type MessagesAnswer = Exclude<Api.messages.TypeMessages, Api.messages.MessagesNotModified>;

/** The calls of `TelegramApi` over one wire: each through the policy, none waking pushed updates. */
export class GramJsApi implements TelegramApi {
  readonly #wire: Pick<Wire, "invoke">;
  readonly #policy: CallPolicy;

  constructor(wire: Pick<Wire, "invoke">, policy: CallPolicy) {
    this.#wire = wire;
    this.#policy = policy;
  }

  async getMe(): Promise<Me> {
    const { method, request } = getMe();
    const users = await this.#call(method, request);
    return toMe(users[0], method);
  }

  async resolveUsername(username: string): Promise<ChannelInfo> {
    const method = "contacts.resolveUsername";
    const request = new Api.contacts.ResolveUsername({ username: username.replace(/^@/, "") });
    const answer = await this.#call(method, request);
    if (answer.peer.className !== "PeerChannel") throw new PeerGone("NOT_A_CHANNEL", method, "not_a_channel");
    return channelAmong(answer.chats, fromLong(answer.peer.channelId), method);
  }

  async peerDialogs(channels: readonly ChannelRef[]): Promise<DialogState[]> {
    const method = "messages.getPeerDialogs";
    const peers = channels.map((channel) => new Api.InputDialogPeer({ peer: toInputPeer(channel) }));
    const request = new Api.messages.GetPeerDialogs({ peers });
    const answer = await this.#call(method, request).catch(onUnreadable(() => null));
    if (answer) return toDialogStates(answer, method, channels);
    const [only, ...others] = channels;
    // Dialogs come with their newest post. Asking about fewer, the caller comes to the channel whose post it is.
    if (!only || others.length > 0) throw new RpcRefused(UNREADABLE_ANSWER, method, 0);
    const { info, pts } = await this.fullChannel(only);
    return [{ channelId: only.id, pts, topMessageId: 0, info }];
  }

  async channelDialogs(limit: number): Promise<DialogState[]> {
    const method = "messages.getDialogs";
    const found: DialogState[] = [];
    let offset: DialogsOffset | null = firstDialogs;
    let size = DIALOGS_PER_CALL;
    for (let left = limit; left > 0 && offset; ) {
      size = Math.min(size, left);
      const request: Api.messages.GetDialogs = getDialogs(offset, size);
      const answer: Api.messages.TypeDialogs | null = await this.#call(method, request).catch(onUnreadable(() => null));
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
  }

  async fullChannel(channel: ChannelRef): Promise<FullChannel> {
    const method = "channels.getFullChannel";
    const request = new Api.channels.GetFullChannel({ channel: toInputChannel(channel) });
    const answer = await this.#call(method, request, channel);
    if (answer.fullChat.className !== "ChannelFull") throw new PeerGone("NOT_A_CHANNEL", method, "not_a_channel");
    return {
      info: channelAmong(answer.chats, channel.id, method, channel),
      pts: answer.fullChat.pts,
      participants: answer.fullChat.participantsCount ?? null,
      availableMinId: answer.fullChat.availableMinId ?? 0,
      migratedFrom: answer.fullChat.migratedFromChatId ? fromLong(answer.fullChat.migratedFromChatId) : null,
    };
  }

  async basicGroup(groupId: bigint): Promise<BasicGroup> {
    const method = "messages.getChats";
    const answer = await this.#call(method, new Api.messages.GetChats({ id: [toLong(groupId)] }));
    return toBasicGroup(answer.chats, groupId, method);
  }

  async history(channel: ChannelRef, page: HistoryAsked): Promise<HistoryPage> {
    return this.#history(channel, page).catch(onUnreadable(() => historyAround(this.#reads(), channel, page)));
  }

  async channelDifference(
    channel: ChannelRef,
    since: { readonly pts: number; readonly limit: number },
  ): Promise<ChannelDifference> {
    const method = "updates.getChannelDifference";
    const request = new Api.updates.GetChannelDifference({
      channel: toInputChannel(channel),
      filter: new Api.ChannelMessagesFilterEmpty(),
      pts: since.pts,
      limit: since.limit,
    });
    const answer = await this.#call(method, request, channel).catch(
      onUnreadable(() => {
        // Read again by history, which can be read around the one unreadable message.
        throw new PtsUnusable(UNREADABLE_ANSWER, method, "invalid");
      }),
    );
    return toDifference(channel.id, answer);
  }

  async messagesById(
    channel: ChannelRef,
    ids: readonly number[],
  ): Promise<HistoryPage & { readonly missing: readonly number[] }> {
    const page = await this.#byId(channel, ids).catch(onUnreadable(() => idById(this.#reads(), channel, ids)));
    return { ...page, missing: page.empty };
  }

  async logOut(): Promise<void> {
    await this.#call("auth.logOut", new Api.auth.LogOut());
  }

  #call<R extends Api.AnyRequest>(method: string, request: R, channel?: ChannelRef): Promise<R["__response"]> {
    const call = channel ? { method, chatId: channel.id } : { method };
    return this.#policy.run(call, () => this.#wire.invoke(method, withoutUpdates(request))) as Promise<R["__response"]>;
  }

  async #page(
    method: string,
    request: Api.messages.GetHistory | Api.channels.GetMessages,
    channel: ChannelRef,
  ): Promise<HistoryPage & MappedPage> {
    const answer = await this.#call(method, request, channel);
    if (answer.className === "messages.MessagesNotModified") throw new RpcRefused("NOT_MODIFIED", method, 0);
    return { ...toMessages(channel.id, answer.messages), ...countsOf(answer) };
  }

  #reads() {
    return { history: this.#history.bind(this), byId: this.#byId.bind(this) };
  }

  #history(channel: ChannelRef, page: HistoryAsked): Promise<HistoryPage & MappedPage> {
    const request = new Api.messages.GetHistory({
      peer: toInputPeer(channel),
      offsetId: page.offsetId,
      offsetDate: 0,
      addOffset: page.addOffset ?? 0,
      limit: page.limit,
      maxId: 0,
      minId: page.minId ?? 0,
      hash: toLong(0n),
    });
    return this.#page("messages.getHistory", request, channel);
  }

  #byId(channel: ChannelRef, ids: readonly number[]): Promise<HistoryPage & MappedPage> {
    const request = new Api.channels.GetMessages({
      channel: toInputChannel(channel),
      id: ids.map((id) => new Api.InputMessageID({ id })),
    });
    return this.#page("channels.getMessages", request, channel);
  }
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
