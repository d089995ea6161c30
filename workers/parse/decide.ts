/** A channel as an account sees it now. `topMessageId` is 0 where it could not be seen. */
export interface Seen {
  readonly pts: number;
  readonly topMessageId: number;
}

/** Whether an answer names a pts from before ours: some of Telegram's servers know the news a moment later than others. */
export function isBehind(answer: { readonly pts: number | null }, pts: number | null): boolean {
  return answer.pts !== null && pts !== null && answer.pts < pts;
}

export type Decision = "unchanged" | "first-read" | "difference";

/**
 * What is to be done about a channel, from what is stored and what an account sees. A pts below the stored one is an
 * answer from behind (another account's job has read further meanwhile), and nothing to act on.
 */
export function decide(stored: { readonly pts: number | null; readonly topMessageId: number }, seen: Seen): Decision {
  if (stored.pts === null) return "first-read";
  if (seen.pts > stored.pts) return "difference";
  if (seen.pts === stored.pts && seen.topMessageId > stored.topMessageId) return "difference";
  return "unchanged";
}
