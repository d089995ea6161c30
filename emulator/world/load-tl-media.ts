import type { TlChannel } from "../../formats/tl-dictionary/parse.ts";
import type { WorldAction, WorldMedia } from "./model.ts";

type TlMessage = TlChannel["messages"][number];

/** A message's media; null where it has none. What the emulator has no words for is sent as unsupported. */
export function toWorldMedia({ media, stats }: TlMessage): WorldMedia | null {
  switch (media?.kind) {
    case undefined:
      return null;
    case "photo": {
      const { dcId: _, ...photo } = media;
      return { ...photo, id: BigInt(media.id) };
    }
    case "document": {
      const { dcId: _, durationSeconds: duration, ...document } = media;
      return { ...document, id: BigInt(media.id), duration };
    }
    case "poll":
      return {
        ...media,
        id: BigInt(media.id),
        answers: media.answers.map((text, index) => ({
          text,
          voters: stats.pollResults?.voters[index] ?? 0,
          chosen: false,
        })),
        totalVoters: stats.pollResults?.totalVoters ?? 0,
      };
    case "other":
      return { kind: "unsupported" };
    default:
      return media;
  }
}

/** A service message's action; one that the emulator has no words for is sent as an empty one. */
export function toWorldAction(service: NonNullable<TlMessage["service"]>): WorldAction {
  const { type, title = "", photo } = service;
  switch (type) {
    case "channel_create":
    case "chat_edit_title":
      return { type, title };
    case "chat_edit_photo":
      return photo ? { type, photo: { ...photo, id: BigInt(photo.id) } } : { type: "empty" };
    case "chat_delete_photo":
    case "pin_message":
      return { type };
    case "channel_migrate_from":
      // The group's id is not kept.
      return { type: "chat_migrate_from", title, chatId: 0n };
    default:
      return { type: "empty" };
  }
}
