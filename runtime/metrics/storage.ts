import type { Definer } from "./define.ts";
import { RETENTION_KINDS, RETENTION_TASKS, TABLES } from "./labels.ts";

/** What is stored, what is missing from it, and the room that it takes. */
export const storageMetrics = (define: Definer) => ({
  messagesStored: define.counter({
    name: "messages_stored_total",
    help: "Messages stored, by change (new, edited, deleted).",
    labels: { change: ["new", "edited", "deleted"] },
    in: ["worker"],
    look: "Whether posts come in.",
  }),
  messageBytesStored: define.counter({
    name: "messages_stored_bytes_total",
    help: "Bytes of the new messages stored, as they went to PostgreSQL: text, entities, media's description.",
    in: ["worker"],
    look: "How fast the database is going to grow.",
  }),
  backfillMessages: define.counter({
    name: "backfill_messages_total",
    help: "Messages that backfill stored: new ones of a channel's history.",
    in: ["worker"],
    look: "Whether history is still coming in.",
  }),
  messagesMissing: define.gauge({
    name: "messages_missing",
    help: "Message ids of subscribed channels, within plan and access, that are not accounted for.",
    in: ["scheduler"],
    look: "What is still to be read.",
  }),
  messagesUnverified: define.gauge({
    name: "messages_unverified",
    help: "Message ids that were accounted for before a gap in the updates, and not read again since.",
    in: ["scheduler"],
    look: "What may have been edited or deleted unseen.",
  }),
  channelsIncomplete: define.gauge({
    name: "channels_incomplete",
    help: "Subscribed channels in which something is missing or unverified.",
    in: ["scheduler"],
    look: "In how many channels there are gaps.",
  }),
  oldestGap: define.gauge({
    name: "oldest_gap_seconds",
    help: "For how long the channel that has been incomplete longest has been so; 0 where none is.",
    in: ["scheduler"],
    look: "A gap that does not close.",
  }),
  retentionDeleted: define.counter({
    name: "retention_deleted_total",
    help: "What went since it was kept for long enough, or was asked to go: users erased, sessions whose log-out was asked for since nobody used them, runs and session events into their daily sums, messages, channels.",
    labels: { kind: RETENTION_KINDS },
    in: ["scheduler"],
    look: "Whether old data goes at all, and how much of it.",
  }),
  retentionLastSuccess: define.gauge({
    name: "retention_last_success_timestamp_seconds",
    help: "When each kind of retention's work last came to its end, in any scheduler. No sample until it has.",
    labels: { task: RETENTION_TASKS },
    in: ["scheduler"],
    look: "Work that has not succeeded for hours.",
  }),
  databaseBytes: define.gauge({
    name: "database_size_bytes",
    help: "Size of the whole database on disk.",
    in: ["scheduler"],
    look: "When the disk will be full.",
  }),
  tableBytes: define.gauge({
    name: "database_table_size_bytes",
    help: "Size on disk of what grows, with its indexes, by table; all other tables as other.",
    labels: { table: TABLES },
    in: ["scheduler"],
    look: "What it is that grows.",
  }),
});
