import type { ChannelMessage } from "../../db/message.ts";
import type { TelegramApi } from "../../telegram/api.ts";

export type AnsweredPage = Awaited<ReturnType<TelegramApi["messagesById"]>>;

/**
 * Whether an answer may be older than what is stored: it names a pts from before ours, so that what it lacks may be newer
 * than it. Nothing is concluded from it.
 */
export function isBehind(page: Pick<AnsweredPage, "pts">, storedPts: number | null): boolean {
  return page.pts !== null && storedPts !== null && page.pts < storedPts;
}

/** Of the ids that were asked for, those that Telegram answered as empty: deleted, or hidden from this account. */
export function absentIds(asked: readonly number[], page: Pick<AnsweredPage, "missing">): number[] {
  const missing = new Set(page.missing);
  return asked.filter((id) => missing.has(id));
}

/** Of the messages answered, those that were asked for: an answer about anything else is not this page's. */
export function answeredMessages(asked: readonly number[], page: Pick<AnsweredPage, "messages">): ChannelMessage[] {
  const wanted = new Set(asked);
  return page.messages.filter(({ id }) => wanted.has(id));
}

/**
 * Of the absent ids, those that are deleted: the account could have seen them. `availableMinId` is what the account may
 * see after the answer, so that nothing that has just been hidden from it is taken for deleted.
 */
export function deletedAmong(absent: readonly number[], availableMinId: number): number[] {
  return absent.filter((id) => id >= availableMinId);
}
