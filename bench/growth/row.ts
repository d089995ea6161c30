import { sql } from "kysely";
import { loadConfig } from "../../config/load.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { describeCpu } from "../cpu.ts";
import { openBenchDatabase, startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import { type Figure, type Sides, timedRun } from "../side-by-side.ts";
import { backfillJob, makeKnown, usersOf } from "../store/known.ts";
import { writeExport } from "../store/posts.ts";
import { assertStored } from "../store/stored.ts";
import { countRows, emptyButForFilling, fill } from "./filling.ts";

const CHANNEL = { id: 1_555_000_001, name: "Harbour News" };
const USERNAME = "harbour_news";
const ID = BigInt(CHANNEL.id);
/** Of each channel that fills. */
const MESSAGES_EACH = 10_000;

export interface GrowthSizes {
  /** Rows that are there before. */
  readonly large: number;
  readonly small: number;
  /** Messages of the channel that is stored, which is measured. */
  readonly messages: number;
}

interface GrowthOptions extends GrowthSizes {
  readonly nodeFlags: readonly string[];
  readonly note: (text: string) => void;
}

/**
 * The same channel stored into a large database and into a small one, by a worker each, as `store` does it. What is
 * compared is CPU, of the worker and of all of PostgreSQL.
 */
export async function openGrowth(ground: MeasuredGround, lifecycle: Lifecycle, options: GrowthOptions): Promise<Sides> {
  return {
    baseline: await openSide(ground, lifecycle, options, options.small),
    ours: await openSide(ground, lifecycle, options, options.large),
  };
}

async function openSide(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: GrowthOptions,
  rows: number,
): Promise<() => Promise<Figure>> {
  const messagesEach = Math.min(MESSAGES_EACH, options.messages, rows);
  const database = `growth_${rows}_rows`;
  await emptied(ground, database);
  const fleet = await startFleet(ground, lifecycle, {
    ...{ name: `growth-${rows}`, database, users: 1, channels: 0 },
    files: [writeExport(ground.dir, USERNAME, { ...CHANNEL, messages: options.messages })],
    worker: { nodeFlags: options.nodeFlags },
  });
  const users = await usersOf(fleet, 1);
  await makeKnown(fleet, users);
  const filling = { template: ID, messagesEach, channels: Math.ceil(rows / messagesEach) };
  await fill(fleet.database, filling, options.note);
  await forget();
  const there = await countRows(fleet.database);
  if (there !== filling.channels * messagesEach) throw new Error(`${there} rows are there, ${rows} were to be`);
  const { worker, PostgreSQL } = fleet.cpu;

  /** The channel's rows, and whatever would be cleaned up in the middle of a run. */
  async function forget(): Promise<void> {
    await fleet.database.asOwner(async (tx) => {
      await sql`delete from messages where channel_id = ${ID}`.execute(tx);
      await sql`update channels set covered = '{}', unverified = '{}', read_at = null where id = ${ID}`.execute(tx);
    });
    await fleet.database.once((tx) => sql`vacuum messages`.execute(tx));
  }

  return async () => {
    await forget();
    const run = await timedRun(options.messages, { worker: worker!, PostgreSQL: PostgreSQL! }, () =>
      fleet.run(backfillJob(users[0]!, ID)),
    );
    await assertStored(fleet, [ID], options.messages);
    const seconds = Object.values(run.cpu ?? {}).reduce((sum, each) => sum + each, 0);
    return {
      value: (seconds * 1_000_000) / run.count,
      note: `${describeCpu(run.cpu ?? {}, run.count)}, ${(run.count / run.seconds).toFixed(0)} messages/s`,
    };
  };
}

async function emptied(ground: MeasuredGround, name: string): Promise<void> {
  const database = openBenchDatabase(loadConfig(await ground.environment(name), ["database"]), ground);
  await emptyButForFilling(database, ID).finally(() => database.close());
}
