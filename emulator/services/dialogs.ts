import { type Handler, type Handlers, RpcError, type TlRequest } from "../dc/service.ts";
import { encodeMessage } from "../tl/write-message.ts";
import { type DialogLine, encodeDialogs, encodePeerDialogs } from "../tl/write-messages.ts";
import { encodeState } from "../tl/write-updates.ts";
import type { WorldChannel } from "../world/model.ts";
import { intArgument, longArgument, objectArgument, objectsArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";
import { topMessage } from "./timeline.ts";

const DIALOGS_MAX = 100;

interface Place {
  readonly date: number;
  readonly messageId: number;
  readonly channelId: bigint;
}

/** Dialogs: the channels that an account has joined, basic groups left out, and the state of channels that it names. */
export function dialogHandlers({ world, access, rules }: ServiceDeps): Handlers {
  const line = (accountId: bigint, channel: WorldChannel): DialogLine & { place: Place } => {
    // A channel that the account has lost stays in its list, with nothing in it.
    const lost = access.view(accountId, channel).forbidden === true;
    const top = lost ? undefined : topMessage(channel, access.availableMinId(accountId, channel));
    const topMessageId = top?.id ?? 0;
    const place = { date: top?.date ?? channel.date, messageId: topMessageId, channelId: channel.id };
    return { channel, topMessageId, pts: lost ? null : channel.pts, place };
  };
  const messagesOf = (lines: readonly DialogLine[]): Buffer[] =>
    lines.flatMap(({ channel, topMessageId }) => {
      const message = channel.messages.get(topMessageId);
      return message ? [encodeMessage(channel, message)] : [];
    });

  const getDialogs: Handler = (request, context) => {
    const accountId = context.account();
    const all = (intArgument(request, "folderId") === 0 ? [...world.channels.values()] : [])
      .filter((channel) => access.isMember(accountId, channel) || channel.banned.has(accountId))
      .map((channel) => line(accountId, channel))
      .sort((a, b) => (isAfter(a.place, b.place) ? 1 : -1));
    const offset = offsetOf(request);
    const rest = offset ? all.filter(({ place }) => isAfter(place, offset)) : all;
    const dialogs = rest.slice(0, Math.min(Math.max(intArgument(request, "limit"), 0), DIALOGS_MAX));
    return encodeDialogs({
      count: dialogs.length === all.length ? null : all.length,
      dialogs,
      messages: messagesOf(dialogs),
      views: dialogs.map(({ channel }) => access.view(accountId, channel)),
    });
  };

  const getPeerDialogs: Handler = (request, context) => {
    const accountId = context.account();
    const peers = objectsArgument(request, "peers");
    if (peers.length > rules.peerDialogsLimit) throw new RpcError(400, "LIMIT_INVALID");
    const dialogs = peers.map((peer) => {
      if (peer.className !== "InputDialogPeer") throw new RpcError(400, "PEER_ID_INVALID");
      const channel = access.channel(accountId, objectArgument(peer, "peer"));
      if (!rules.servesUnjoinedDialogs && !access.isMember(accountId, channel)) {
        throw new RpcError(400, "CHANNEL_PRIVATE");
      }
      return line(accountId, channel);
    });
    return encodePeerDialogs({
      dialogs,
      messages: messagesOf(dialogs),
      views: dialogs.map(({ channel }) => access.view(accountId, channel)),
      state: encodeState(Math.floor(context.now / 1000)),
    });
  };

  return new Map([
    ["messages.GetDialogs", getDialogs],
    ["messages.GetPeerDialogs", getPeerDialogs],
  ]);
}

/** Whether `a` stands below `b`: dialogs go by the date of their newest message, newest first. */
function isAfter(a: Place, b: Place): boolean {
  if (a.date !== b.date) return a.date < b.date;
  if (a.messageId !== b.messageId) return a.messageId < b.messageId;
  return a.channelId < b.channelId;
}

function offsetOf(request: TlRequest): Place | null {
  const date = intArgument(request, "offsetDate");
  const messageId = intArgument(request, "offsetId");
  const peer = objectArgument(request, "offsetPeer");
  if (date === 0 && messageId === 0) return null;
  return { date, messageId, channelId: longArgument(peer, "channelId") };
}
