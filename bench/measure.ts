import { Lifecycle } from "../runtime/lifecycle.ts";
import { openAccounts } from "./accounts/row.ts";
import { openCalls } from "./calls/row.ts";
import { openDue } from "./due/row.ts";
import { measureFirstPage } from "./first-page/row.ts";
import type { MeasuredGround } from "./ground.ts";
import { type GrowthSizes, openGrowth } from "./growth/row.ts";
import { openJobs } from "./jobs/row.ts";
import { openMemory } from "./memory/row.ts";
import { openRead } from "./read/row.ts";
import { ROWS, type RowName } from "./rows.ts";
import { type Pair, type Score, score } from "./score.ts";
import { type Sides, sideBySide } from "./side-by-side.ts";
import { openStore } from "./store/row.ts";

export interface Sizes {
  /** Pairs of runs that are counted. */
  readonly pairs: number;
  /** Messages of the channel that `store` reads. */
  readonly messages: number;
  /** Users that are parsed in `jobs`. */
  readonly accounts: number;
  /** Clients open at once in `memory`. */
  readonly clients: number;
  readonly parallel: {
    /** Accounts, each with a channel, of `accounts`. */
    readonly accounts: number;
    readonly messagesEach: number;
  };
  /** Channels that are added in `first-page`. */
  readonly newChannels: number;
  readonly growth: GrowthSizes;
  /** Users that are due at once in `due`. */
  readonly users: number;
}

export const FULL: Sizes = {
  pairs: 5,
  messages: 30_000,
  accounts: 400,
  clients: 1_000,
  parallel: { accounts: 50, messagesEach: 600 },
  newChannels: 40,
  growth: { large: 10_000_000, small: 100_000, messages: 20_000 },
  users: 20_000,
};
/** To see that everything works: too little for numbers that mean something. */
export const QUICK: Sizes = {
  pairs: 2,
  messages: 1_000,
  accounts: 60,
  clients: 50,
  parallel: { accounts: 5, messagesEach: 200 },
  newChannels: 5,
  growth: { large: 20_000, small: 2_000, messages: 1_000 },
  users: 2_000,
};

export interface MeasureOptions {
  readonly ground: MeasuredGround;
  /** PostgreSQL's data stay where this one has them. */
  readonly openKept: (lifecycle: Lifecycle) => Promise<MeasuredGround>;
  /** Closes whatever a row has open, should we be interrupted. */
  readonly lifecycle: Lifecycle;
  readonly sizes: Sizes;
  readonly note: (text: string) => void;
  /** Flags of the Node that runs what is measured, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[];
}

/** Measures the rows one after the other; each releases what it started before the next one begins. */
export async function measure(rows: readonly RowName[], options: MeasureOptions): Promise<Score[]> {
  const { ground, sizes } = options;
  const scores: Score[] = [];
  const add = (name: RowName, pairs: readonly Pair[]) => {
    scores.push(score(ROWS.find((row) => row.name === name)!, pairs));
  };
  const noteOf = (name: string) => (text: string) => options.note(`${name}: ${text}`);
  const owning = async (work: (lifecycle: Lifecycle) => Promise<void>) => {
    const lifecycle = options.lifecycle.own("row", new Lifecycle(ground.log), (row) => row.close());
    await work(lifecycle).finally(() => lifecycle.close());
  };
  const timed = (name: RowName, open: (lifecycle: Lifecycle) => Promise<Sides>) =>
    owning(async (lifecycle) => {
      const note = noteOf(name);
      note("preparing");
      add(name, await sideBySide(await open(lifecycle), { pairs: sizes.pairs, note }));
    });

  if (rows.includes("store"))
    await timed("store", (lifecycle) => openStore(ground, lifecycle, { ...sizes, nodeFlags: options.nodeFlags }));
  if (rows.includes("read"))
    await timed("read", (lifecycle) => openRead(ground, lifecycle, { ...sizes, nodeFlags: options.nodeFlags }));
  if (rows.includes("jobs"))
    await timed("jobs", (lifecycle) =>
      openJobs(ground, lifecycle, { ...sizes, nodeFlags: options.nodeFlags, note: noteOf("jobs") }),
    );
  for (const name of ["due", "due-old-snapshot"] as const)
    if (rows.includes(name))
      await timed(name, (lifecycle) => openDue(ground, lifecycle, { ...sizes, oldSnapshot: name !== "due" }));
  if (rows.includes("memory")) await timed("memory", (lifecycle) => openMemory(ground, lifecycle, sizes));
  if (rows.includes("accounts"))
    await timed("accounts", (lifecycle) =>
      openAccounts(ground, lifecycle, {
        ...{ messages: sizes.messages, accounts: sizes.parallel.accounts, messagesEach: sizes.parallel.messagesEach },
        ...{ nodeFlags: options.nodeFlags, note: noteOf("accounts") },
      }),
    );
  if (rows.includes("calls") || rows.includes("calls-changed"))
    await owning(async (lifecycle) => {
      const note = noteOf("calls");
      note("preparing");
      const calls = await openCalls(ground, lifecycle, { note });
      if (rows.includes("calls")) add("calls", [await calls.unchanged()]);
      if (rows.includes("calls-changed")) add("calls-changed", [await calls.changed()]);
    });
  if (rows.includes("first-page"))
    await owning(async (lifecycle) => {
      const note = noteOf("first-page");
      note("preparing");
      const { newChannels } = sizes;
      add("first-page", [
        await measureFirstPage(ground, lifecycle, { newChannels, nodeFlags: options.nodeFlags, note }),
      ]);
    });
  if (rows.includes("growth"))
    await timed("growth", async (lifecycle) =>
      openGrowth(await options.openKept(lifecycle), lifecycle, {
        ...{ ...sizes.growth, nodeFlags: options.nodeFlags, note: noteOf("growth") },
      }),
    );
  return scores;
}
