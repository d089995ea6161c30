import type { Api } from "telegram/tl/api.js";
import type { ChannelDifference } from "../api.ts";
import { toMessages } from "./to-message.ts";

/** `updates.getChannelDifference`'s answer in our words. Updates that are about anything but posts are left out. */
export function toDifference(channelId: bigint, answer: Api.updates.TypeChannelDifference): ChannelDifference {
  switch (answer.className) {
    case "updates.ChannelDifferenceEmpty":
      return { kind: "empty", pts: answer.pts, final: Boolean(answer.final) };
    case "updates.ChannelDifferenceTooLong": {
      const dialog = answer.dialog.className === "Dialog" ? answer.dialog : null;
      return {
        kind: "too_long",
        pts: dialog?.pts ?? null,
        topMessageId: answer.dialog.topMessage,
        messages: toMessages(channelId, answer.messages).messages,
      };
    }
    case "updates.ChannelDifference":
      return toChanges(channelId, answer);
  }
}

function toChanges(channelId: bigint, answer: Api.updates.ChannelDifference): ChannelDifference {
  const created: Api.TypeMessage[] = [...answer.newMessages];
  const edited: Api.TypeMessage[] = [];
  const deletedIds: number[] = [];
  const pins: { ids: readonly number[]; pinned: boolean }[] = [];
  const counters: { id: number; views: number | null; forwards: number | null }[] = [];
  const own = (id: { toString(): string }) => id.toString() === channelId.toString();
  for (const update of answer.otherUpdates) {
    switch (update.className) {
      case "UpdateNewChannelMessage":
        created.push(update.message);
        break;
      case "UpdateEditChannelMessage":
        edited.push(update.message);
        break;
      case "UpdateDeleteChannelMessages":
        if (own(update.channelId)) deletedIds.push(...update.messages);
        break;
      case "UpdatePinnedChannelMessages":
        if (own(update.channelId)) pins.push({ ids: update.messages, pinned: Boolean(update.pinned) });
        break;
      case "UpdateChannelMessageViews":
        if (own(update.channelId)) counters.push({ id: update.id, views: update.views, forwards: null });
        break;
      case "UpdateChannelMessageForwards":
        if (own(update.channelId)) counters.push({ id: update.id, views: null, forwards: update.forwards });
        break;
    }
  }
  const news = toMessages(channelId, created);
  const edits = toMessages(channelId, edited);
  return {
    kind: "difference",
    pts: answer.pts,
    final: Boolean(answer.final),
    newMessages: news.messages,
    editedMessages: edits.messages,
    deletedIds,
    pins,
    counters,
    skipped: [...news.skipped, ...edits.skipped],
  };
}
