import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { sql } from "kysely";
import { DEFAULT_TENANT } from "../../cli/context.ts";
import { runProgram } from "../../cli/program.ts";
import { loadConfig } from "../../config/load.ts";
import { findUser } from "../../db/users.ts";
import { createLog } from "../../runtime/log.ts";
import { sleep } from "../../runtime/sleep.ts";
import { openBenchDatabase } from "../fleet.ts";
import { serve } from "../serve.ts";

/** Who adds which channel, in this order. */
export interface Additions {
  readonly additions: readonly { readonly telegramId: string; readonly username: string }[];
}

/** `messages.getHistory` gives 100 at most. */
const PAGE = 100;
const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 30_000;

/**
 * Runs `gramfleet channels add` and `gramfleet parse --wait` as their processes do, but for Node's own start, and
 * looks meanwhile, as a reader would, when the first page is there.
 */
const file = process.env.BENCH_GIVEN ?? "";
const { additions } = JSON.parse(readFileSync(file, "utf8")) as Additions;
// No .env of somebody's.
process.chdir(dirname(file));
const log = createLog({ level: "warn", name: "first-page" });
const database = openBenchDatabase(loadConfig(process.env, ["database"]), { log });
serve({ run }, () => database.close());

/** Milliseconds from the first command's beginning to the page's being there, for each new channel. */
async function run(): Promise<number[]> {
  const taken: number[] = [];
  for (const { telegramId, username } of additions) {
    const user = await database.inTenant(DEFAULT_TENANT, (tx) => findUser(tx, BigInt(telegramId)));
    if (!user) throw new Error(`${telegramId} is no user of ours`);
    if ((await postsOf(user.id, username)) > 0) throw new Error(`${username} is there already`);
    const startedAt = performance.now();
    const visible = becomesVisible(user.id, username).then(() => performance.now() - startedAt);
    visible.catch(() => {});
    await gramfleet(["channels", "add", telegramId, username]);
    await gramfleet(["parse", telegramId, "--wait"]);
    taken.push(await visible);
  }
  return taken;
}

async function gramfleet(args: readonly string[]): Promise<void> {
  const code = await runProgram(args);
  if (code !== 0 || process.exitCode) throw new Error(`gramfleet ${args.join(" ")} ended with ${code}`);
}

async function becomesVisible(userId: bigint, username: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while ((await postsOf(userId, username)) < PAGE) {
    if (performance.now() > giveUpAt) throw new Error(`no page of ${username} after ${PATIENCE_MS} ms`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** As a user sees them. */
async function postsOf(userId: bigint, username: string): Promise<number> {
  return database.inTenant(DEFAULT_TENANT, async (tx) => {
    const { rows } = await sql<{ posts: number }>`
      select count(*)::int as posts from user_posts p join channels c on c.id = p.channel_id
      where p.user_id = ${userId} and c.username = ${username}`.execute(tx);
    return rows[0]?.posts ?? 0;
  });
}
