import { sql } from "kysely";
import { builtCommand } from "../../faults/build.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import type { CpuPart } from "../cpu.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import { startProcess } from "../process.ts";
import { makeKnown, parseJob, runAll, usersOf } from "../store/known.ts";

export const USERS = 400;
/**
 * Each user follows 5 to 15 of them. So many that a channel is looked at every second or so, and hardly ever by two at
 * once: whoever meets another reading a channel pays for it, too, which real fleets see rarely.
 */
export const CHANNELS = 160;
export const CONCURRENCY = 8;
/** Plan intervals this many times shorter, 10 s and 40 s, so that the load is that of a fleet 90 times as large. */
const PACE = 90;
export const [PREMIUM_EVERY, FREE_EVERY] = [900 / PACE, 3_600 / PACE];
/** Parses of everybody before anything is counted: a worker's code is compiled as it runs. */
const WARM_UP_ROUNDS = 4;

/** A fleet of one or two workers whose users follow channels, all of them read before. */
export interface CheckFleet extends Fleet {
  readonly channels: readonly bigint[];
  readonly workers: readonly CpuPart[];
  /** How many channels a user follows, on average. */
  readonly channelsPerUser: number;
  /** Goes on with the first worker alone. */
  stopSecondWorker(): Promise<void>;
  /** So many of the users are parsed from now on, due evenly over their intervals; gives the share of premium among them. */
  spread(share: number): Promise<number>;
}

export async function startCheckFleet(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  note: (text: string) => void,
): Promise<CheckFleet> {
  const paced = { EMULATOR_PACE: String(PACE), WORKER_CONCURRENCY: String(CONCURRENCY), METRICS_PORT: "0" };
  note("starting an emulated Telegram and two workers");
  const fleet = await startFleet(ground, lifecycle, {
    ...{ name: "simulate", users: USERS, ours: USERS, channels: CHANNELS, files: [] },
    worker: { nodeFlags: [], env: paced },
  });
  const start = (name: string, role: string) =>
    acquire(
      lifecycle,
      name,
      startProcess({
        name,
        command: builtCommand(ground.dist, [role]),
        env: { ...fleet.env, ...paced },
        logFile: ground.logFile(`simulate-${name}`),
      }),
      (each) => each.stop(),
    );
  const second = await start("second worker", "worker");
  const users = await usersOf(fleet, USERS);
  note(`reading ${CHANNELS} channels for ${USERS} users`);
  // Nobody is due meanwhile: a backfill makes way for its user's parse, which no scheduler enqueues yet.
  await spread(fleet, 0);
  await makeKnown(fleet, users);
  note("warming up");
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await runAll(fleet, users.map(parseJob));
  await start("scheduler", "scheduler");
  const first = fleet.cpu.worker!;
  let workers: readonly CpuPart[] = [first, { root: second.pid }];
  return {
    ...fleet,
    channels: (await fleet.control.channels()).map(({ id }) => id),
    channelsPerUser: fleet.accounts.reduce((sum, { follows }) => sum + follows.length, 0) / USERS,
    get workers() {
      return workers;
    },
    async stopSecondWorker() {
      workers = [first];
      await second.stop();
    },
    spread: (share) => spread(fleet, share),
  };
}

async function spread({ database }: Pick<Fleet, "database">, share: number): Promise<number> {
  return database.asOwner(async (tx) => {
    await sql`
      update schedules s set claimed_at = null,
        queue = case when n.turn <= ${share * USERS}::float8 then 'parse-' || n.api_id end,
        next_parse_at = now() + random() * case n.plan when 'premium' then ${PREMIUM_EVERY}::float8 else ${FREE_EVERY}::float8 end
          * interval '1 second'
      from (
        select u.id, u.plan, e.api_id, row_number() over (order by u.id) as turn
        from users u join sessions e on e.user_id = u.id and e.state = 'AUTHORIZED'
      ) n where n.id = s.user_id`.execute(tx);
    const { rows } = await sql<{ premium: number | null }>`
      select avg((u.plan = 'premium')::int)::float8 as premium
      from users u join schedules s on s.user_id = u.id where s.queue is not null`.execute(tx);
    return rows[0]?.premium ?? 0;
  });
}
