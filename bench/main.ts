import { join, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { wholeNumber } from "../cli/options.ts";
import { createOutput, type Output } from "../cli/output.ts";
import { buildProgram } from "../faults/build.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { acquire } from "./acquire.ts";
import { chooseRows } from "./choose-rows.ts";
import { openGround } from "./ground.ts";
import { FULL, measure, QUICK } from "./measure.ts";
import { BUILT_SIDES } from "./process.ts";
import { describe, reportOf } from "./report.ts";
import type { RowName } from "./rows.ts";

interface BenchFlags {
  readonly only: readonly string[];
  readonly json: boolean;
  readonly quick: boolean;
  readonly pairs?: number;
  readonly cpuProf?: string;
  readonly growthDir?: string;
}

const program = new Command("bench")
  .description("measure gramfleet side by side with what it stands on; exit 1 where a number does not hold")
  .option("--only <row>", "a row of bench/README.md; repeatable, or separated by commas", collect, [])
  .option("--json", "print one line of JSON", false)
  .option("--quick", "small sizes, to see that it works", false)
  .option("--pairs <n>", "pairs of runs of each row (5)", wholeNumber(1))
  .option("--cpu-prof <dir>", "write CPU profiles of what is measured there")
  .option("--growth-dir <dir>", "where growth keeps its rows, some 15 GB (BENCH_GROWTH_DIR, else .gramfleet/growth)")
  .exitOverride()
  .action(async (flags: BenchFlags) => {
    process.exitCode = await bench(flags);
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

/** Measures and prints. Gives 1 where a row that ran does not hold. */
async function bench(flags: BenchFlags): Promise<0 | 1> {
  const out = createOutput({ json: flags.json });
  const rows = chooseRows(flags.only);
  const log = createLog({ level: "warn", name: "bench" });
  const lifecycle = new Lifecycle(log);
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => void lifecycle.close().then(() => process.exit(130)));
  // Everything is put away before anything is printed: whoever reads it may close the pipe.
  const scores = await measureOn(flags, rows, { out, lifecycle, log }).finally(() => lifecycle.close());
  out.result(reportOf(scores), () => describe(scores));
  return scores.every((score) => score.pass) ? 0 : 1;
}

async function measureOn(
  flags: BenchFlags,
  rows: readonly RowName[],
  { out, lifecycle, log }: { out: Output; lifecycle: Lifecycle; log: ReturnType<typeof createLog> },
) {
  const sizes = flags.quick ? QUICK : FULL;
  const ground = await openGround({ env: process.env, name: "bench", lifecycle, log });
  const dist = await acquire(lifecycle, "build", buildProgram(ground.dir, BUILT_SIDES), () => {});
  const kept = flags.growthDir ?? process.env.BENCH_GROWTH_DIR ?? join(".gramfleet", "growth");
  return measure(rows, {
    ...{ ground: { ...ground, dist }, lifecycle },
    openKept: async (owner) => ({
      ...(await openGround({ env: process.env, name: "bench", lifecycle: owner, kept: resolve(kept), log })),
      dist,
    }),
    sizes: { ...sizes, pairs: flags.pairs ?? sizes.pairs },
    note: (text) => out.note(text),
    nodeFlags: flags.cpuProf ? ["--cpu-prof", `--cpu-prof-dir=${flags.cpuProf}`] : [],
  });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof OperatorError ? error.exitCode : 1;
}
