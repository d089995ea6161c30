import type { WorldMessage } from "./model.ts";

/** A post with a text and nothing else; others are made from it. `date` in Unix seconds. */
export function plainPost(message: string, date: number): Omit<WorldMessage, "id"> {
  return {
    date,
    editDate: null,
    editHide: false,
    message,
    entities: [],
    media: null,
    groupedId: null,
    fwdFrom: null,
    replyTo: null,
    fromId: null,
    postAuthor: null,
    viaBotId: null,
    pinned: false,
    silent: false,
    noforwards: false,
    views: null,
    forwards: null,
    replies: null,
    reactions: null,
    action: null,
  };
}
