import type { TlChannel } from "../../formats/tl-dictionary/parse.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { toWorldEntity } from "./entities.ts";
import { freeUsername, stemOf } from "./file-name.ts";
import { toWorldAction, toWorldMedia } from "./load-tl-media.ts";
import type { World, WorldChannel, WorldMessage, WorldPeer } from "./model.ts";

type TlMessage = TlChannel["messages"][number];
type Peer = NonNullable<TlMessage["from"]>;

/**
 * Puts a channel's published messages into the world: the same ids, dates, entities and gaps. Title and username come
 * from the file's name, since messages have none. What the emulator cannot say, Telegram's stand-in for newer layers
 * stands for: nothing stops a channel.
 *
 * @throws OperatorError where the channel is in the world already
 */
export function loadTlChannel(world: World, published: TlChannel, fileName: string): WorldChannel {
  const { id, kind } = published;
  if (world.channels.has(id)) throw new OperatorError(`${fileName}: channel ${id} is in the world already`);
  const title = stemOf(fileName);
  const channel = world.addChannel({
    id,
    title,
    username: freeUsername(world, fileName, id),
    megagroup: kind === "megagroup",
    date: seconds(published.messages[0]?.date ?? new Date(0)),
    isPrivate: false,
    exported: true,
  });
  for (const message of published.messages) world.post(id, toWorldMessage(message));
  // The titles that it once had went over it, as service messages tell them.
  channel.title = title;
  return channel;
}

function toWorldMessage(message: TlMessage): WorldMessage {
  const { forward, reply, stats } = message;
  return {
    id: message.id,
    date: seconds(message.date),
    editDate: message.editDate && seconds(message.editDate),
    editHide: message.editHidden,
    message: message.text,
    entities: message.entities.map(toWorldEntity),
    media: toWorldMedia(message),
    groupedId: message.groupedId,
    fwdFrom: forward && {
      date: seconds(new Date(forward.date)),
      fromId: forward.from && toPeer(forward.from),
      fromName: forward.fromName,
      channelPost: forward.channelPost,
      postAuthor: forward.author,
    },
    replyTo: reply && {
      msgId: reply.messageId,
      peer: reply.peer && toPeer(reply.peer),
      topId: reply.topId,
      quoteText: reply.quote,
      quoteOffset: reply.quoteOffset,
    },
    fromId: message.from && toPeer(message.from),
    postAuthor: message.author,
    viaBotId: message.viaBotId,
    pinned: message.pinned,
    silent: message.silent,
    noforwards: message.noForwards,
    views: stats.views,
    forwards: stats.forwards,
    replies: stats.replies,
    reactions: stats.reactions,
    action: message.service && toWorldAction(message.service),
  };
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
const toPeer = ({ type, id }: Peer): WorldPeer => ({ type, id: BigInt(id) });
