/** One thing that is measured, against what, and the ratio that is to hold. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly against: string;
  /** What `ours` and `baseline` count. */
  readonly unit: string;
  /** Which is better: more of the unit, or fewer of it. The ratio is above 1 where ours is better. */
  readonly better: "more" | "fewer";
  readonly atLeast: number;
}

export type RowName =
  | "store"
  | "read"
  | "jobs"
  | "due"
  | "due-old-snapshot"
  | "memory"
  | "accounts"
  | "calls"
  | "calls-changed"
  | "first-page"
  | "growth";

/** In the order in which they run and are shown. */
export const ROWS: readonly (Row & { readonly name: RowName })[] = [
  {
    name: "store",
    what: "messages from Telegram to rows",
    against: "raw GramJS reading the same pages, storing nothing",
    unit: "messages/s",
    better: "more",
    atLeast: 1.2,
  },
  {
    name: "read",
    what: "the same reading by our adapter, not stored",
    against: "raw GramJS reading the same pages",
    unit: "messages/s",
    better: "more",
    atLeast: 1.5,
  },
  {
    name: "jobs",
    what: "parses with nothing new, one worker process",
    against: "bare GramJS making the same calls (connect, getMe, getPeerDialogs, disconnect)",
    unit: "jobs/s",
    better: "more",
    atLeast: 0.8,
  },
  {
    name: "due",
    what: "due scan to queue",
    against: "addBulk of the same jobs",
    unit: "users/s",
    better: "more",
    atLeast: 0.7,
  },
  {
    name: "due-old-snapshot",
    what: "the same beside a transaction that has been open for four hours",
    against: "addBulk of the same jobs",
    unit: "users/s",
    better: "more",
    atLeast: 0.7,
  },
  {
    name: "memory",
    what: "heap per leased client, all of them open",
    against: "as many clients of bare GramJS",
    unit: "KiB",
    better: "fewer",
    // The ratio is the baseline's heap over ours: ours may be 1.2 times as much.
    atLeast: 1 / 1.2,
  },
  {
    name: "accounts",
    what: "50 accounts backfilling 50 channels in parallel, one worker process",
    against: "one account backfilling one channel",
    unit: "messages/s",
    better: "more",
    atLeast: 1,
  },
  {
    name: "calls",
    what: "a parse of 100 known channels, nothing new",
    against: "one history call per channel",
    unit: "calls",
    better: "fewer",
    // Three calls are allowed: initConnection with what it carries, getPeerDialogs, and one to spare.
    atLeast: 100 / 3,
  },
  {
    name: "calls-changed",
    what: "the same with 10 channels changed",
    against: "one history call per channel",
    unit: "calls",
    better: "fewer",
    atLeast: 100 / 14,
  },
  {
    name: "first-page",
    what: "first page of a new channel visible after channels add and parse --wait, the 95th of 100",
    against: "the second that it may take",
    unit: "ms",
    better: "fewer",
    atLeast: 1,
  },
  {
    name: "growth",
    what: "CPU per stored message (worker and PostgreSQL) at 10 million rows",
    against: "the same at 100 thousand rows",
    unit: "µs",
    better: "fewer",
    // The ratio is what it costs in the small database over what it costs in the large one, which may be 1.15 times as much.
    atLeast: 1 / 1.15,
  },
];
