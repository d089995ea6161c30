import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { acquire } from "../acquire.ts";
import { type CpuParts, cpuOf } from "../cpu.ts";
import { startFleet } from "../fleet.ts";
import { startBareGramJs } from "../given.ts";
import type { MeasuredGround } from "../ground.ts";
import { type BenchProcess, builtSide, startProcess } from "../process.ts";
import type { Run, Sides } from "../side-by-side.ts";
import { writeExport } from "../store/posts.ts";
import type { RawGramJs } from "../store/raw-gramjs.ts";

const CHANNEL = { id: 1_555_000_001, name: "Harbour News" };
const USERNAME = "harbour_news";

/** Ours is `api.history` of an account that is open, from the newest page to the last, kept nowhere; so is the baseline. */
export async function openRead(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: { readonly messages: number; readonly nodeFlags: readonly string[] },
): Promise<Sides> {
  const { nodeFlags } = options;
  const file = writeExport(ground.dir, USERNAME, { ...CHANNEL, messages: options.messages });
  const fleet = await startFleet(ground, lifecycle, {
    ...{ name: "read", users: 2, channels: 0, files: [file], worker: null },
  });
  const ours = await acquire(
    lifecycle,
    "our adapter",
    startProcess({
      name: "our adapter",
      command: builtSide(ground.dist, "bench/read/our-adapter.ts"),
      env: { ...fleet.env, BENCH_CHANNEL: USERNAME },
      logFile: ground.logFile("read-ours"),
      nodeFlags,
    }),
    (side) => side.stop(),
  );
  const raw = await startBareGramJs<RawGramJs>(
    {
      name: "raw GramJS of read",
      module: "bench/store/raw-gramjs.ts",
      ...{ ground, fleet, lifecycle, nodeFlags },
    },
    fleet.accounts.slice(1, 2),
    { username: USERNAME },
  );
  const reading = (side: BenchProcess, parts: CpuParts) => async () => {
    const { result, cpu } = await cpuOf(parts, () => side.ask<Run>("read"));
    if (result.count !== options.messages) throw new Error(`${result.count} of ${options.messages} messages were read`);
    return { ...result, cpu };
  };
  return {
    ours: reading(ours, { "our adapter": { root: ours.pid }, ...fleet.cpu }),
    baseline: reading(raw, { "raw GramJS": { root: raw.pid }, emulator: fleet.cpu.emulator! }),
  };
}
