import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import { startFleet } from "../fleet.ts";
import type { MeasuredGround } from "../ground.ts";
import { builtSide, startProcess } from "../process.ts";
import type { Pair } from "../score.ts";
import { writeExport } from "../store/posts.ts";
import type { Additions } from "./commands.ts";
import { quantile } from "./quantile.ts";

const FIRST_CHANNEL = 1_555_000_001;
/** Three pages: there is more to read than what is waited for. */
const MESSAGES = 300;
const USERS = 8;
/** Their commands and the worker's code are compiled then. */
const WARM_UP = 4;
/** What the row promises. */
const LIMIT_MS = 1_000;

/** How long somebody waits for the first posts of a channel that nobody has read before. */
export async function measureFirstPage(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: {
    readonly newChannels: number;
    readonly nodeFlags: readonly string[];
    readonly note: (text: string) => void;
  },
): Promise<Pair> {
  const names = Array.from({ length: WARM_UP + options.newChannels }, (_, index) => `quay_${index}`);
  const fleet = await startFleet(ground, lifecycle, {
    name: "first-page",
    users: USERS,
    ours: USERS,
    subscribed: false,
    channels: 0,
    files: names.map((username, index) =>
      writeExport(ground.dir, username, { id: FIRST_CHANNEL + index, name: username, messages: MESSAGES }),
    ),
    worker: { nodeFlags: options.nodeFlags },
  });
  const additions = names.map((username, index) => ({
    telegramId: String(fleet.accounts[index % USERS]!.telegramId),
    username,
  }));
  const given = join(ground.dir, "first-page.json");
  writeFileSync(given, JSON.stringify({ additions } satisfies Additions));
  const commands = await acquire(
    lifecycle,
    "commands",
    startProcess({
      name: "commands",
      command: builtSide(ground.dist, "bench/first-page/commands.ts"),
      env: { ...fleet.env, BENCH_GIVEN: given },
      logFile: ground.logFile("first-page-commands"),
    }),
    (side) => side.stop(),
  );
  const taken = (await commands.ask<number[]>("run")).slice(WARM_UP);
  const [p50, p95, most] = [0.5, 0.95, 1].map((share) => quantile(taken, share).toFixed(0));
  options.note(`${taken.length} new channels: p50 ${p50} ms, p95 ${p95} ms, most ${most} ms`);
  return { ours: quantile(taken, 0.95), baseline: LIMIT_MS };
}
