import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { loadChannels } from "../../db/channels.ts";
import { missingRanges } from "../../db/ranges.ts";
import { findUser } from "../../db/users.ts";
import type { NewJob } from "../../queue/jobs.ts";
import { queueOf } from "../../queue/jobs.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import type { Ground } from "../ground.ts";
import { sideCommand, startProcess } from "../process.ts";
import type { Run, Sides } from "../side-by-side.ts";
import { madeUpExport } from "./posts.ts";
import type { RawGramJs } from "./raw-gramjs.ts";

const CHANNEL = { id: 1_555_000_001, name: "Harbour News" };
const USERNAME = "harbour_news";

/**
 * Ours is what a worker does with a `backfill-channel` job, from the moment it is enqueued to its end, for a channel of
 * which no row is stored; the baseline is raw GramJS, logged in as somebody else.
 */
export async function openStore(
  ground: Ground,
  lifecycle: Lifecycle,
  options: { readonly messages: number; readonly nodeFlags: readonly string[] },
): Promise<Sides> {
  const file = join(ground.dir, `${USERNAME}.json`);
  writeFileSync(file, JSON.stringify(madeUpExport({ ...CHANNEL, messages: options.messages })));
  const fleet = await startFleet(ground, lifecycle, {
    name: "store",
    users: 2,
    channels: 0,
    files: [file],
    nodeFlags: options.nodeFlags,
  });
  const backfill = await makeKnown(fleet);
  const raw = await acquire(
    lifecycle,
    "raw GramJS",
    startProcess({
      name: "raw GramJS",
      command: sideCommand(new URL("./raw-gramjs.ts", import.meta.url)),
      env: { PATH: fleet.env.PATH, BENCH_RAW_GRAMJS: JSON.stringify(rawGramJs(fleet)) },
      logFile: ground.logFile("raw-gramjs"),
    }),
    (side) => side.stop(),
  );
  return {
    async ours() {
      await forget(fleet);
      const startedAt = performance.now();
      await fleet.run(backfill);
      const seconds = (performance.now() - startedAt) / 1_000;
      await assertStored(fleet, options.messages);
      return { count: options.messages, seconds };
    },
    async baseline() {
      const run = await raw.ask<Run>("read");
      if (run.count !== options.messages) throw new Error(`raw GramJS read ${run.count} messages`);
      return run;
    },
  };
}

/** The first parse finds the channel and its pts; gives the job that reads its history. */
async function makeKnown(fleet: Fleet): Promise<NewJob> {
  const account = fleet.accounts[0]!;
  const user = await fleet.database.inTenant(DEFAULT_TENANT, (tx) => findUser(tx, account.telegramId));
  const who = { tenantId: DEFAULT_TENANT, userId: String(user?.id) };
  const common = { queue: queueOf({ apiId: account.apiId, ownApi: false }), dueAt: new Date() };
  await fleet.run({ name: "parse-user", ...common, data: who, urgency: "manual" });
  await fleet.idle();
  const data = { ...who, channelId: String(CHANNEL.id) };
  return { name: "backfill-channel", ...common, data, urgency: "manual" };
}

/** Every row of the channel, and that it was ever read. */
async function forget({ database }: Fleet): Promise<void> {
  await database.asOwner(async (tx) => {
    await sql`truncate messages, message_versions, message_tombstones`.execute(tx);
    await sql`update channels set covered = '{}', unverified = '{}', read_at = null`.execute(tx);
  });
}

async function assertStored({ database }: Fleet, messages: number): Promise<void> {
  const stored = await database.asWorker(async (tx) => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from messages`.execute(tx);
    const [channel] = await loadChannels(tx, [BigInt(CHANNEL.id)]);
    const missing = channel ? missingRanges(channel, channel.topMessageId) : null;
    return { count: rows[0]?.count, complete: missing?.length === 0 };
  });
  if (stored.count !== messages || !stored.complete)
    throw new Error(`${stored.count} of ${messages} messages are stored, complete: ${stored.complete}`);
}

function rawGramJs({ accounts, config }: Fleet): RawGramJs {
  const account = accounts[1]!;
  const api = config.apiIds.masters.find(({ apiId }) => apiId === account.apiId)!;
  return {
    ...api,
    session: account.session,
    dataCenters: config.dataCenters?.addresses ?? [],
    publicKeyPem: config.dataCenters?.publicKeyPem ?? "",
    username: USERNAME,
  };
}
