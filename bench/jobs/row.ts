import { sql } from "kysely";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { callsBetween, describeCalls } from "../calls/count.ts";
import { cpuOf } from "../cpu.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { startBareGramJs } from "../given.ts";
import type { MeasuredGround } from "../ground.ts";
import { type Run, type Sides, timedRun } from "../side-by-side.ts";
import { makeKnown, parseJob, runAll, usersOf } from "../store/known.ts";
import type { BareJobs } from "./bare-gramjs.ts";

const CHANNELS = 40;
/** Tried once: more at once brought neither side more. Ours is for each of three API IDs. */
const WORKER_CONCURRENCY = 8;
const BARE_CONCURRENCY = 16;

/**
 * Ours is `parse-user` of every user, nothing new for any of them, from the first being enqueued to the last's end; the
 * baseline makes the same calls for as many other people, by GramJS alone.
 */
export async function openJobs(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: { readonly accounts: number; readonly nodeFlags: readonly string[]; readonly note: (text: string) => void },
): Promise<Sides> {
  const fleet = await startFleet(ground, lifecycle, {
    name: "jobs",
    users: 2 * options.accounts,
    ours: options.accounts,
    channels: CHANNELS,
    files: [],
    worker: { nodeFlags: options.nodeFlags, env: { WORKER_CONCURRENCY: String(WORKER_CONCURRENCY) } },
  });
  const users = await usersOf(fleet, options.accounts);
  const jobs = users.map(parseJob);
  options.note(`reading everything once for ${options.accounts} users`);
  await makeKnown(fleet, users);
  const bare = await startBareGramJs<BareJobs>(
    {
      name: "bare GramJS",
      module: "bench/jobs/bare-gramjs.ts",
      nodeFlags: options.nodeFlags,
      ...{ ground, fleet, lifecycle },
    },
    fleet.accounts.slice(options.accounts),
    { concurrency: BARE_CONCURRENCY },
  );
  const bareCpu = { "bare GramJS": { root: bare.pid }, emulator: fleet.cpu.emulator! };
  return {
    ours: () =>
      withCalls(fleet, ["users.GetUsers", "messages.GetPeerDialogs"], async () => {
        const since = await now(fleet);
        const run = await timedRun(jobs.length, fleet.cpu, () => runAll(fleet, jobs));
        await assertNothingNew(fleet, since, jobs.length);
        return run;
      }),
    baseline: () =>
      withCalls(fleet, ["help.GetConfig", "users.GetUsers", "messages.GetPeerDialogs"], async () => {
        const { result, cpu } = await cpuOf(bareCpu, () => bare.ask<Run>("run"));
        return { ...result, cpu };
      }),
  };
}

/** Every one of these calls was made once for each of the run's accounts, and no other. */
async function withCalls(fleet: Fleet, methods: readonly string[], work: () => Promise<Run>): Promise<Run> {
  const before = await fleet.control.summary();
  const run = await work();
  const after = await fleet.control.summary();
  const calls = callsBetween(before.callsByMethod, after.callsByMethod);
  const asMeant = calls.size === methods.length && methods.every((method) => calls.get(method) === run.count);
  if (!asMeant || after.keysKilled > 0)
    throw new Error(`${run.count} accounts: ${describeCalls(calls)}; ${after.keysKilled} keys killed`);
  return run;
}

async function now({ database }: Fleet): Promise<Date> {
  const { rows } = await database.asWorker((tx) => sql<{ now: Date }>`select clock_timestamp() as now`.execute(tx));
  return rows[0]!.now;
}

async function assertNothingNew({ database }: Fleet, since: Date, users: number): Promise<void> {
  const { rows } = await database.asWorker((tx) =>
    sql<{ runs: number; users: number }>`
      select count(*)::int as runs, count(distinct user_id)::int as users from runs
      where started_at >= ${since} and outcome = 'done' and channels > 0 and channels_changed = 0`.execute(tx),
  );
  if (rows[0]?.runs !== users || rows[0].users !== users)
    throw new Error(`${rows[0]?.runs} parses of ${rows[0]?.users} users saw nothing new: ${users} were to`);
}
