import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { cpuOf } from "../cpu.ts";
import { startFleet } from "../fleet.ts";
import { startBareGramJs } from "../given.ts";
import type { MeasuredGround } from "../ground.ts";
import { type Run, type Sides, timedRun } from "../side-by-side.ts";
import { backfillJob, makeKnown, usersOf } from "./known.ts";
import { writeExport } from "./posts.ts";
import type { RawGramJs } from "./raw-gramjs.ts";
import { assertStored, forgetMessages } from "./stored.ts";

const CHANNEL = { id: 1_555_000_001, name: "Harbour News" };
const USERNAME = "harbour_news";

/**
 * Ours is what a worker does with a `backfill-channel` job, from the moment it is enqueued to its end, for a channel of
 * which no row is stored; the baseline is raw GramJS, logged in as somebody else.
 */
export async function openStore(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: { readonly messages: number; readonly nodeFlags: readonly string[] },
): Promise<Sides> {
  const file = writeExport(ground.dir, USERNAME, { ...CHANNEL, messages: options.messages });
  const fleet = await startFleet(ground, lifecycle, {
    name: "store",
    users: 2,
    channels: 0,
    files: [file],
    worker: { nodeFlags: options.nodeFlags },
  });
  const users = await usersOf(fleet, 1);
  await makeKnown(fleet, users);
  const backfill = backfillJob(users[0]!, BigInt(CHANNEL.id));
  const raw = await startBareGramJs<RawGramJs>(
    { name: "raw GramJS", module: "bench/store/raw-gramjs.ts", ...{ ground, fleet, lifecycle } },
    fleet.accounts.slice(1, 2),
    { username: USERNAME },
  );
  return {
    async ours() {
      await forgetMessages(fleet);
      const run = await timedRun(options.messages, fleet.cpu, () => fleet.run(backfill));
      await assertStored(fleet, [BigInt(CHANNEL.id)], options.messages);
      return run;
    },
    async baseline() {
      const parts = { "raw GramJS": { root: raw.pid }, emulator: fleet.cpu.emulator! };
      const { result: run, cpu } = await cpuOf(parts, () => raw.ask<Run>("read"));
      if (run.count !== options.messages) throw new Error(`raw GramJS read ${run.count} messages`);
      return { ...run, cpu };
    },
  };
}
