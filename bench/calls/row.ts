import { DEFAULT_TENANT } from "../../cli/context.ts";
import { lastRuns } from "../../db/runs.ts";
import { findUser } from "../../db/users.ts";
import { queueOf } from "../../queue/jobs.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import type { Pair } from "../score.ts";
import { callsBetween, describeCalls } from "./count.ts";

const CHANNELS = 100;
const CHANGED = 10;

export interface CallCounts {
  /** Calls of a parse with nothing new. */
  unchanged(): Promise<Pair>;
  /** Calls of a parse after a post in each of ten channels. */
  changed(): Promise<Pair>;
}

/** One user with 100 channels, all of them read; what a parse then costs is told by the emulator, which executed it. */
export async function openCalls(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: { readonly note: (text: string) => void },
): Promise<CallCounts> {
  const fleet = await startFleet(ground, lifecycle, {
    name: "calls",
    users: 1,
    channels: CHANNELS,
    files: [],
    worker: { nodeFlags: [] },
  });
  const userId = await userOf(fleet);
  const parse = () => parseOnce(fleet, userId);
  await parse();
  await fleet.idle();

  const count = async (changed: number): Promise<Pair> => {
    const before = await fleet.control.summary();
    await parse();
    const calls = callsBetween(before.callsByMethod, (await fleet.control.summary()).callsByMethod);
    options.note(describeCalls(calls));
    const [run] = await fleet.database.asWorker((tx) => lastRuns(tx, userId, 1));
    if (run?.outcome !== "done" || run.channels !== CHANNELS || run.channelsChanged !== changed)
      throw new Error(`the parse saw ${run?.channels} channels, ${run?.channelsChanged} changed: ${run?.outcome}`);
    return { ours: [...calls.values()].reduce((sum, calls) => sum + calls, 0), baseline: CHANNELS };
  };
  return {
    unchanged: () => count(0),
    async changed() {
      const channels = (await fleet.control.channels()).slice(0, CHANGED);
      for (const { id } of channels) await fleet.control.post(id, `News for ${id}`);
      return count(CHANGED);
    },
  };
}

async function userOf({ database, accounts }: Fleet): Promise<bigint> {
  const user = await database.inTenant(DEFAULT_TENANT, (tx) => findUser(tx, accounts[0]!.telegramId));
  if (!user) throw new Error("the emulated person is no user of ours");
  return user.id;
}

async function parseOnce(fleet: Fleet, userId: bigint): Promise<void> {
  await fleet.run({
    name: "parse-user",
    queue: queueOf({ apiId: fleet.accounts[0]!.apiId, ownApi: false }),
    data: { tenantId: DEFAULT_TENANT, userId: String(userId) },
    urgency: "manual",
    dueAt: new Date(),
  });
}
