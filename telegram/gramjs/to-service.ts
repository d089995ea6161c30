import type { Api } from "telegram/tl/api.js";
import type { ServiceAction } from "../../db/message.ts";
import { snakeCased } from "./ids.ts";
import { toPhoto } from "./to-media.ts";

/** A service message's action: its constructor in snake case, and what readers show of it. */
export function toServiceAction(
  action: Api.TypeMessageAction,
  replyTo: Api.TypeMessageReplyHeader | null,
): ServiceAction {
  return { type: snakeCased(action.className, "MessageAction"), ...extrasOf(action, replyTo) };
}

function extrasOf(
  action: Api.TypeMessageAction,
  replyTo: Api.TypeMessageReplyHeader | null,
): Omit<ServiceAction, "type"> {
  switch (action.className) {
    case "MessageActionChannelCreate":
    case "MessageActionChatCreate":
    case "MessageActionChatEditTitle":
    case "MessageActionTopicCreate":
      return { title: action.title };
    case "MessageActionTopicEdit":
      return action.title ? { title: action.title } : {};
    case "MessageActionChannelMigrateFrom":
      return { title: action.title };
    case "MessageActionChatMigrateTo":
      return { channelId: action.channelId.toString() };
    case "MessageActionChatEditPhoto":
    case "MessageActionSuggestProfilePhoto":
      return action.photo.className === "Photo" ? { photo: photoOf(action.photo) } : {};
    case "MessageActionPinMessage":
      return replyTo?.className === "MessageReplyHeader" && replyTo.replyToMsgId
        ? { messageId: replyTo.replyToMsgId }
        : {};
    case "MessageActionCustomAction":
      return { text: action.message };
    default:
      return {};
  }
}

function photoOf(photo: Api.Photo): NonNullable<ServiceAction["photo"]> {
  const { id, size, width, height } = toPhoto(photo, false);
  return { id, size, width, height };
}
