import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import { encodeMessage } from "../tl/write-message.ts";
import {
  encodeChannelDifference,
  encodeChannelDifferenceEmpty,
  encodeChannelDifferenceTooLong,
  encodeDeleteUpdate,
  encodeDifferenceEmpty,
  encodeEditUpdate,
  encodePinUpdate,
  encodeState,
} from "../tl/write-updates.ts";
import type { ChannelEvent, WorldChannel } from "../world/model.ts";
import { intArgument, objectArgument } from "./arguments.ts";
import { differencePage } from "./channel-difference.ts";
import type { ServiceDeps } from "./deps.ts";
import { livingIds, topMessage } from "./timeline.ts";

/** `updates.getChannelDifference`: 10 to 100 for users. */
const LIMIT_MIN = 10;
const LIMIT_MAX = 100;

/** States and differences. The common box is always up to date: there are no private chats here. */
export function updateHandlers({ access, rules }: ServiceDeps): Handlers {
  const seconds = (now: number) => Math.floor(now / 1000);

  const getState: Handler = (_request, context) => {
    context.account();
    return encodeState(seconds(context.now));
  };

  const getDifference: Handler = (request, context) => {
    context.account();
    if (intArgument(request, "pts") <= 0) throw new RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY");
    return encodeDifferenceEmpty(seconds(context.now));
  };

  const getChannelDifference: Handler = (request, context) => {
    const accountId = context.account();
    const channel = access.channel(accountId, objectArgument(request, "channel"));
    if (!rules.servesUnjoinedDialogs && !access.isMember(accountId, channel)) {
      throw new RpcError(400, "CHANNEL_PRIVATE");
    }
    const since = intArgument(request, "pts");
    if (since === 0) throw new RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY");
    if (since < 0 || since > channel.pts) throw new RpcError(400, "PERSISTENT_TIMESTAMP_INVALID");
    const limit = Math.min(Math.max(intArgument(request, "limit"), LIMIT_MIN), LIMIT_MAX);

    const view = access.view(accountId, channel);
    const minId = access.availableMinId(accountId, channel);
    const page = differencePage(channel, since, limit, rules.differenceTooLongAfter);
    const encoded = (ids: readonly number[]) =>
      ids.filter((id) => id >= minId).map((id) => encodeMessage(channel, channel.messages.get(id)!));
    switch (page.kind) {
      case "empty":
        return encodeChannelDifferenceEmpty(channel.pts);
      case "too_long":
        return encodeChannelDifferenceTooLong(view, {
          dialog: { channel, topMessageId: topMessage(channel, minId)?.id ?? 0, pts: channel.pts },
          messages: encoded(livingIds(channel).slice(-limit).reverse()),
        });
      case "page":
        return encodeChannelDifference(view, {
          pts: page.pts,
          final: page.final,
          newMessages: encoded(page.newIds),
          otherUpdates: page.updates.flatMap((event) => encodeEvent(channel, event, minId) ?? []),
        });
    }
  };

  return new Map([
    ["updates.GetState", getState],
    ["updates.GetDifference", getDifference],
    ["updates.GetChannelDifference", getChannelDifference],
  ]);
}

function encodeEvent(channel: WorldChannel, event: ChannelEvent, minId: number): Buffer | null {
  switch (event.kind) {
    case "new":
      return null;
    case "edit": {
      const message = channel.messages.get(event.messageId);
      if (!message || message.id < minId) return null;
      return encodeEditUpdate(encodeMessage(channel, message), event.pts, event.ptsCount);
    }
    case "delete":
      return encodeDeleteUpdate(channel.id, event.messageIds, event.pts, event.ptsCount);
    case "pin":
      return encodePinUpdate(channel.id, { ids: event.messageIds, pinned: event.pinned }, event.pts, event.ptsCount);
  }
}
