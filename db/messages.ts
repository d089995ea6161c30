/** Messages: how pages are stored, and how what is stored is read. */

export { storeDifference } from "./store/difference.ts";
export { prepareRows } from "./store/encode-rows.ts";
export { storeHistory } from "./store/history.ts";
export { type CounterUpdate, type DifferencePage, type HistoryRows, type PageResult, PageStale } from "./store/page.ts";
export { type ReconciledRows, storeReconciled } from "./store/reconcile.ts";
export { recordSkipped, skippedOf } from "./store/skipped.ts";
export { auditRows, countFrom, countMessages, type StoredMessage, streamMessages } from "./stored-messages.ts";
