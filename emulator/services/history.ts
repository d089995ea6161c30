import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import { TlWriter } from "../tl/primitives.ts";
import { encodeMessage, writeEmptyMessage } from "../tl/write-message.ts";
import { encodeChannelMessages } from "../tl/write-messages.ts";
import type { WorldChannel } from "../world/model.ts";
import { intArgument, objectArgument, objectsArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";
import { countBelow, livingIds } from "./timeline.ts";

/** `messages.getHistory` and `channels.getMessages` give 100 at most (core.telegram.org/api/offsets). */
const PAGE_MAX = 100;

/** Messages of a channel: by page and by id. */
export function historyHandlers({ access }: ServiceDeps): Handlers {
  const getHistory: Handler = (request, context) => {
    const accountId = context.account();
    const channel = access.channel(accountId, objectArgument(request, "peer"));
    const ids = livingIds(channel);
    const floor = Math.max(access.availableMinId(accountId, channel), intArgument(request, "minId") + 1);
    const visibleFrom = countBelow(ids, floor);
    const maxId = intArgument(request, "maxId");
    const visibleTo = maxId > 0 ? countBelow(ids, maxId) : ids.length;

    const limit = Math.min(Math.max(intArgument(request, "limit"), 0), PAGE_MAX);
    const offsetId = intArgument(request, "offsetId");
    const before = Math.min(visibleTo, positionBefore(channel, ids, offsetId, intArgument(request, "offsetDate")));
    // Counted from the newest: the page ends (exclusively, in ascending order) `addOffset` messages further down.
    const end = before - intArgument(request, "addOffset");
    const from = Math.max(end - limit, visibleFrom);
    const to = Math.min(end, visibleTo);
    const messages: Buffer[] = [];
    for (let index = to - 1; index >= from; index--) {
      messages.push(encodeMessage(channel, channel.messages.get(ids[index]!)!));
    }
    const count = ids.length - countBelow(ids, access.availableMinId(accountId, channel));
    return encodeChannelMessages(access.view(accountId, channel), {
      count,
      offsetIdOffset: before < ids.length ? ids.length - before : null,
      messages,
    });
  };

  const getMessages: Handler = (request, context) => {
    const accountId = context.account();
    const channel = access.channel(accountId, objectArgument(request, "channel"));
    const inputs = objectsArgument(request, "id");
    if (inputs.length === 0) throw new RpcError(400, "MESSAGE_IDS_EMPTY");
    if (inputs.length > PAGE_MAX) throw new RpcError(400, "LIMIT_INVALID");
    const minId = access.availableMinId(accountId, channel);
    const messages = inputs.map((input) => {
      if (input.className !== "InputMessageID") throw new RpcError(501, "METHOD_NOT_SERVED");
      const id = intArgument(input, "id");
      const message = id < minId ? undefined : channel.messages.get(id);
      return message ? encodeMessage(channel, message) : emptyMessage(id);
    });
    return encodeChannelMessages(access.view(accountId, channel), {
      count: messages.length,
      offsetIdOffset: null,
      messages,
    });
  };

  return new Map([
    ["messages.GetHistory", getHistory],
    ["channels.GetMessages", getMessages],
  ]);
}

/** How many messages are older than the offset: all of them where there is none. */
function positionBefore(channel: WorldChannel, ids: readonly number[], offsetId: number, offsetDate: number): number {
  if (offsetId > 0) return countBelow(ids, offsetId);
  if (offsetDate <= 0) return ids.length;
  const younger = ids.findIndex((id) => channel.messages.get(id)!.date >= offsetDate);
  return younger < 0 ? ids.length : younger;
}

function emptyMessage(id: number): Buffer {
  const writer = new TlWriter(12);
  writeEmptyMessage(id, writer);
  return writer.finish();
}
