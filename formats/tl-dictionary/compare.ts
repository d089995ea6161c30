import { isDeepStrictEqual } from "node:util";
import type { ChannelMessage, MessageEntity, MessageMedia, ServiceAction } from "../../db/message.ts";

/**
 * The names of the fields in which a stored message differs from the published one; none where they are the same.
 *
 * Not compared: counters (they are as of the moment of reading), and the data center that keeps a file. Entities that
 * reach beyond their text are nowhere stored, and so not expected. A constructor that the layer of the connection does
 * not have is stored as what Telegram sends in its place: an unknown entity, unsupported media, an empty action.
 */
export function compareChannelMessage(published: ChannelMessage, stored: ChannelMessage): string[] {
  const left = comparable(published);
  const right = comparable(stored);
  const different = Object.keys(left).filter((field) => !isDeepStrictEqual(left[field], right[field]));
  if (!sameEntities(published, stored)) different.push("entities");
  if (!sameMedia(published.media, stored.media)) different.push("media");
  if (!sameAction(published.service, stored.service)) different.push("service");
  return different;
}

function comparable(message: ChannelMessage): Record<string, unknown> {
  return {
    channel: message.channelId,
    id: message.id,
    kind: message.kind,
    date: message.date.getTime(),
    edit_date: message.editDate?.getTime() ?? null,
    edit_hidden: message.editHidden,
    text: message.text,
    grouped_id: message.groupedId,
    forward: message.forward,
    reply: message.reply,
    from: message.from,
    author: message.author,
    via_bot: message.viaBotId,
    pinned: message.pinned,
    silent: message.silent,
    no_forwards: message.noForwards,
  };
}

function sameEntities(published: ChannelMessage, stored: ChannelMessage): boolean {
  const end = published.text.length;
  const expected = published.entities.filter(
    ({ offset, length }) => offset >= 0 && length > 0 && offset + length <= end,
  );
  return (
    expected.length === stored.entities.length &&
    expected.every((entity, index) => sameEntity(entity, stored.entities[index]))
  );
}

function sameEntity(expected: MessageEntity, actual: MessageEntity | undefined): boolean {
  if (actual?.type === "unknown") return expected.offset === actual.offset && expected.length === actual.length;
  return isDeepStrictEqual(expected, actual);
}

function sameMedia(expected: MessageMedia | null, actual: MessageMedia | null): boolean {
  if (expected?.kind === "other" && actual?.kind === "other")
    return actual.constructorName === "MessageMediaUnsupported" || actual.constructorName === expected.constructorName;
  return isDeepStrictEqual(withoutDataCenter(expected), withoutDataCenter(actual));
}

const withoutDataCenter = (media: MessageMedia | null) => (media && "dcId" in media ? { ...media, dcId: 0 } : media);

function sameAction(expected: ServiceAction | null, actual: ServiceAction | null): boolean {
  return (expected !== null && actual?.type === "empty") || isDeepStrictEqual(expected, actual);
}
