import type { Api } from "telegram/tl/api.js";
import type { BasicGroup, ChannelInfo, ChannelRef, DialogState, Me } from "../api.ts";
import { PeerGone, RpcRefused } from "../errors.ts";
import { fromLong } from "./ids.ts";

/**
 * A channel as an answer's `chats` describe it to this account.
 *
 * @throws PeerGone where it is forbidden to the account, is no channel, or cannot be addressed
 */
export function toChannelInfo(chat: Api.TypeChat, method: string, asked?: ChannelRef): ChannelInfo {
  if (chat.className === "ChannelForbidden") throw new PeerGone("CHANNEL_FORBIDDEN", method, "private");
  if (chat.className !== "Channel") throw new PeerGone("NOT_A_CHANNEL", method, "not_a_channel");
  // A "min" channel's hash only fetches its photo (core.telegram.org/api/min).
  const accessHash = chat.accessHash && !chat.min ? fromLong(chat.accessHash) : asked?.accessHash;
  if (accessHash === undefined) throw new PeerGone("CHANNEL_WITHOUT_HASH", method, "invalid");
  return {
    id: fromLong(chat.id),
    accessHash,
    title: chat.title,
    username: chat.username ?? chat.usernames?.find((one) => one.active)?.username ?? null,
    kind: chat.megagroup || chat.gigagroup ? "megagroup" : "broadcast",
    joined: !chat.left,
  };
}

/** The answer's channel with this id. @throws PeerGone where it is not among them, or as `toChannelInfo` */
export function channelAmong(
  chats: readonly Api.TypeChat[],
  id: bigint,
  method: string,
  asked?: ChannelRef,
): ChannelInfo {
  const chat = chats.find((one) => one.id.toString() === id.toString() && one.className.startsWith("Channel"));
  if (!chat) throw new PeerGone("CHANNEL_NOT_IN_ANSWER", method, "invalid");
  return toChannelInfo(chat, method, asked);
}

/** @throws PeerGone where the account is not in the group, or there is none */
export function toBasicGroup(chats: readonly Api.TypeChat[], id: bigint, method: string): BasicGroup {
  const chat = chats.find((one) => one.id.toString() === id.toString());
  if (chat?.className === "ChatForbidden") throw new PeerGone("CHAT_FORBIDDEN", method, "private");
  if (chat?.className !== "Chat") throw new PeerGone("NOT_A_GROUP", method, "not_found");
  const to = chat.migratedTo?.className === "InputChannel" ? chat.migratedTo : null;
  const migratedTo = to && { id: fromLong(to.channelId), accessHash: fromLong(to.accessHash) };
  return { id, title: chat.title, migratedTo };
}

/** The channels among dialogs, in their order. People, groups and folders are left out. */
export function toDialogStates(
  answer: { readonly chats: readonly Api.TypeChat[]; readonly dialogs: readonly Api.TypeDialog[] },
  method: string,
  asked: readonly ChannelRef[] = [],
): DialogState[] {
  return answer.dialogs.flatMap((dialog) => {
    if (dialog.className !== "Dialog" || dialog.peer.className !== "PeerChannel") return [];
    const channelId = fromLong(dialog.peer.channelId);
    const ref = asked.find((one) => one.id === channelId);
    const info = channelAmong(answer.chats, channelId, method, ref);
    return [{ channelId, pts: dialog.pts ?? null, topMessageId: dialog.topMessage, info }];
  });
}

/** @throws RpcRefused where Telegram does not say who it is */
export function toMe(user: Api.TypeUser | undefined, method: string): Me {
  if (user?.className !== "User") throw new RpcRefused("USER_EMPTY", method, 0);
  return {
    id: fromLong(user.id),
    firstName: user.firstName ?? null,
    username: user.username ?? user.usernames?.find((one) => one.active)?.username ?? null,
    phone: user.phone ?? null,
    isBot: user.bot === true,
  };
}
