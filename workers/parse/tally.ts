import type { PageResult } from "../../db/messages.ts";
import type { Metrics } from "../../runtime/metrics.ts";

/** What pages are counted in. */
export type StoreMetrics = Pick<Metrics, "messagesStored" | "messageBytesStored">;

/** What one run has stored so far. */
export interface Tally {
  added: number;
  edited: number;
  deleted: number;
}

export const emptyTally = (): Tally => ({ added: 0, edited: 0, deleted: 0 });

/** Counts a page that has been committed. */
export function countPage(tally: Tally, page: PageResult, metrics: StoreMetrics): void {
  tally.added += page.added;
  tally.edited += page.edited;
  tally.deleted += page.deleted;
  metrics.messagesStored.inc({ change: "new" }, page.added);
  metrics.messageBytesStored.inc(page.bytes);
  metrics.messagesStored.inc({ change: "edited" }, page.edited);
  metrics.messagesStored.inc({ change: "deleted" }, page.deleted);
}
