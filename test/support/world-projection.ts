import type { ChannelMessage, MessageEntity, MessageMedia, ServiceAction } from "../../db/message.ts";
import type { WorldAction, WorldEntity, WorldMedia, WorldMessage, WorldPeer } from "../../emulator/world/model.ts";

/** The DC that the emulator names for files. */
const FILES_DC = 2;

/**
 * A message of the world as gramfleet must store it: what audits compare rows with. Written apart from the wire and
 * from the adapter, so that neither can be wrong unnoticed.
 */
export function projectMessage(channelId: bigint, message: WorldMessage): ChannelMessage {
  const service = message.action !== null;
  return {
    channelId,
    id: message.id,
    kind: service ? "service" : "message",
    date: new Date(message.date * 1000),
    editDate: message.editDate === null ? null : new Date(message.editDate * 1000),
    editHidden: message.editHide,
    text: message.message,
    entities: message.entities.map(projectEntity),
    media: message.media && projectMedia(message.media),
    groupedId: message.groupedId,
    forward: message.fwdFrom && {
      date: new Date(message.fwdFrom.date * 1000).toISOString(),
      from: message.fwdFrom.fromId && projectPeer(message.fwdFrom.fromId),
      fromName: message.fwdFrom.fromName,
      channelPost: message.fwdFrom.channelPost,
      author: message.fwdFrom.postAuthor,
    },
    reply: message.replyTo && {
      messageId: message.replyTo.msgId,
      peer: message.replyTo.peer && projectPeer(message.replyTo.peer),
      topId: message.replyTo.topId,
      quote: message.replyTo.quoteText,
      quoteOffset: message.replyTo.quoteOffset,
    },
    from: message.fromId && projectPeer(message.fromId),
    author: message.postAuthor,
    viaBotId: message.viaBotId,
    // A service message has no flag for it.
    pinned: !service && message.pinned,
    silent: message.silent,
    noForwards: message.noforwards,
    service: message.action && projectAction(message.action, message),
    stats: {
      views: message.views,
      forwards: message.forwards,
      replies: message.replies,
      reactions: message.reactions,
      pollResults:
        message.media?.kind === "poll"
          ? { totalVoters: message.media.totalVoters, voters: message.media.answers.map(({ voters }) => voters) }
          : null,
    },
  };
}

const projectPeer = ({ type, id }: WorldPeer) => ({ type, id: id.toString() });

function projectEntity({ type, userId, documentId, collapsed, ...rest }: WorldEntity): MessageEntity {
  return {
    ...rest,
    type: snakeCased(type, "messageEntity"),
    ...(userId === undefined ? {} : { userId: userId.toString() }),
    ...(documentId === undefined ? {} : { documentId: documentId.toString() }),
    ...(collapsed ? { collapsed } : {}),
  };
}

function projectMedia(media: WorldMedia): MessageMedia {
  switch (media.kind) {
    case "photo":
      return { ...media, id: media.id.toString(), dcId: FILES_DC };
    case "document": {
      const { duration, ...rest } = media;
      return { ...rest, id: media.id.toString(), dcId: FILES_DC, durationSeconds: duration };
    }
    case "poll": {
      const { totalVoters: _, answers, ...rest } = media;
      return { ...rest, id: media.id.toString(), answers: answers.map(({ text }) => text) };
    }
    case "unsupported":
      return { kind: "other", constructorName: "MessageMediaUnsupported" };
    default:
      return media;
  }
}

function projectAction(action: WorldAction, message: WorldMessage): ServiceAction {
  switch (action.type) {
    case "chat_edit_photo":
      return { type: action.type, photo: { ...action.photo, id: action.photo.id.toString() } };
    case "pin_message":
      return { type: action.type, ...(message.replyTo?.msgId ? { messageId: message.replyTo.msgId } : {}) };
    case "chat_migrate_from":
      return { type: "channel_migrate_from", title: action.title };
    default:
      return action;
  }
}

const snakeCased = (name: string, prefix: string) =>
  name
    .slice(prefix.length)
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .slice(1);
