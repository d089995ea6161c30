import { Api } from "telegram/tl/api.js";
import { fromLong, toLong, toPeerRef } from "./ids.ts";

/** Where a page of `messages.getDialogs` begins (core.telegram.org/api/offsets). */
export interface DialogsOffset {
  readonly date: number;
  readonly id: number;
  readonly peer: Api.TypeInputPeer;
}

export const firstDialogs: DialogsOffset = { date: 0, id: 0, peer: new Api.InputPeerEmpty() };

export function getDialogs(offset: DialogsOffset, limit: number): Api.messages.GetDialogs {
  return new Api.messages.GetDialogs({
    offsetDate: offset.date,
    offsetId: offset.id,
    offsetPeer: offset.peer,
    limit,
    hash: toLong(0n),
  });
}

/** Where the next page begins: at this one's last dialog. Null at the end, or where that one cannot be named. */
export function nextDialogs(answer: Api.messages.Dialogs | Api.messages.DialogsSlice): DialogsOffset | null {
  const last = answer.className === "messages.DialogsSlice" ? answer.dialogs.at(-1) : undefined;
  const peer = last && inputPeerOf(answer, last.peer);
  if (!last || !peer) return null;
  const { type, id } = toPeerRef(last.peer);
  const top = answer.messages.find((message) => {
    const of = message.id === last.topMessage && message.peerId ? toPeerRef(message.peerId) : null;
    return of?.type === type && of.id === id;
  });
  return { date: top && top.className !== "MessageEmpty" ? top.date : 0, id: last.topMessage, peer };
}

/** Dialogs and chats without the channels that the account has lost, which stay in its list. */
export function withoutForbidden(answer: Api.messages.Dialogs | Api.messages.DialogsSlice) {
  const chats = answer.chats.filter((chat) => chat.className !== "ChannelForbidden");
  const known = new Set(chats.map((chat) => chat.id.toString()));
  const dialogs = answer.dialogs.filter(
    ({ peer }) => peer.className !== "PeerChannel" || known.has(peer.channelId.toString()),
  );
  return { chats, dialogs };
}

function inputPeerOf(
  answer: Pick<Api.messages.Dialogs, "chats" | "users">,
  peer: Api.TypePeer,
): Api.TypeInputPeer | null {
  const { type, id } = toPeerRef(peer);
  if (type === "chat") return new Api.InputPeerChat({ chatId: toLong(BigInt(id)) });
  const hash =
    type === "user"
      ? answer.users.find((user): user is Api.User => user.className === "User" && user.id.toString() === id)
      : answer.chats.find((chat): chat is Api.Channel => chat.className === "Channel" && chat.id.toString() === id);
  if (!hash?.accessHash) return null;
  const accessHash = toLong(fromLong(hash.accessHash));
  return type === "user"
    ? new Api.InputPeerUser({ userId: toLong(BigInt(id)), accessHash })
    : new Api.InputPeerChannel({ channelId: toLong(BigInt(id)), accessHash });
}
