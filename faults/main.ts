import { Command, CommanderError, Option } from "commander";
import { acquire } from "../bench/acquire.ts";
import { openGround } from "../bench/ground.ts";
import { wholeNumber } from "../cli/options.ts";
import { createOutput, type Output, table } from "../cli/output.ts";
import type { Protection } from "../config/load.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { buildProgram } from "./build.ts";
import { describe, reportOf } from "./report.ts";
import { type Outcome, runScenario } from "./run.ts";
import { chooseScenarios, SCENARIOS } from "./scenarios.ts";

interface FaultsFlags {
  readonly only: readonly number[];
  readonly kills?: number;
  readonly seed: number;
  readonly without: readonly Protection[];
  readonly json: boolean;
  readonly list: boolean;
}

const program = new Command("faults")
  .description("kill, freeze and cut off real processes, and see that nothing is lost; exit 1 where a scenario fails")
  .option("--only <n>", "these scenarios; repeatable, or separated by commas", numbers, [])
  .option("--kills <n>", "how often the fault happens (as the table says)", wholeNumber(1))
  .option("--seed <n>", "what world and faults grow from", wholeNumber(0), 1)
  .addOption(
    new Option("--without <protection>", "take a protection away: the run must fail, or its witness is blind")
      .choices(["lease", "fence", "gate", "installation"])
      .argParser((value: string, before: readonly string[]) => [...before, protection(value)])
      .default([]),
  )
  .option("--json", "print one line of JSON", false)
  .option("--list", "print the table and end", false)
  .exitOverride()
  .action(async (flags: FaultsFlags) => {
    process.exitCode = await faults(flags);
  });

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

/** Runs and prints. Gives 0 only where everything that ran passed. */
async function faults(flags: FaultsFlags): Promise<0 | 1> {
  const out = createOutput({ json: flags.json });
  if (flags.list) {
    const listed = flags.only.length > 0 ? chooseScenarios(flags.only) : SCENARIOS;
    out.result(
      listed.map(({ run: _, ...row }) => row),
      () =>
        table(
          ["", "times", "fault", "passes when", "fails without"],
          listed.map((each) => [
            each.number,
            `${each.kills}${each.byHand ? ", with --only" : ""}`,
            each.fault,
            each.passesWhen,
            each.provenWithout.join(", "),
          ]),
        ),
    );
    return 0;
  }
  const chosen = chooseScenarios(flags.only);
  const log = createLog({ level: "warn", name: "faults" });
  const lifecycle = new Lifecycle(log);
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => void lifecycle.close().then(() => process.exit(130)));
  const outcomes: Outcome[] = [];
  try {
    const ground = await openGround({ env: process.env, name: "faults", lifecycle, log });
    out.note("compiling");
    const dist = await acquire(lifecycle, "build", buildProgram(ground.dir), () => {});
    for (const scenario of chosen) {
      const outcome = await runScenario(scenario, {
        ...{ ground, dist, lifecycle, seed: flags.seed, without: flags.without },
        kills: flags.kills ?? null,
        progress: out.note,
      });
      if (lifecycle.signal.aborted) break;
      outcomes.push(outcome);
      say(out, outcome);
    }
  } finally {
    await lifecycle.close();
  }
  if (out.json) out.result(reportOf(outcomes, { seed: flags.seed, without: flags.without }), () => []);
  return outcomes.length === chosen.length && outcomes.every((outcome) => outcome.passed) ? 0 : 1;
}

function say(out: Output, outcome: Outcome): void {
  for (const line of describe(out, outcome)) out.json ? out.note(line) : out.line(line);
}

function numbers(value: string, before: readonly number[]): number[] {
  return [...before, ...value.split(",").map((each) => wholeNumber(1)(each.trim()))];
}

function protection(value: string): Protection {
  if (value === "lease" || value === "fence" || value === "gate" || value === "installation") return value;
  throw new OperatorError("--without takes lease, fence or gate", { exitCode: 2 });
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`faults: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof OperatorError ? error.exitCode : 1;
}
