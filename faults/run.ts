import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ground } from "../bench/ground.ts";
import type { Protection } from "../config/load.ts";
import { createRandom } from "../emulator/world/random.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import type { Check, Scenario } from "./scenario.ts";

/** What became of one scenario. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly passed: boolean;
  readonly seconds: number;
  readonly checks: readonly Check[];
  /** Why it ended before its checks, if it did. */
  readonly error: string | null;
  /** Where the logs of its processes are, if it did not pass. */
  readonly logs: string | null;
}

export interface RunOptions {
  readonly ground: Ground;
  /** The folder of the compiled program. */
  readonly dist: string;
  /** Of the whole run: a scenario's own is released with it if the run is interrupted. */
  readonly lifecycle: Lifecycle;
  /** How often the fault happens; null: as often as the scenario says. */
  readonly kills: number | null;
  /** See Stage: 1 unless told otherwise. */
  readonly share?: number;
  readonly seed: number;
  readonly without: readonly Protection[];
  readonly progress: (text: string) => void;
}

/** Runs one scenario from its start to its end; whatever it throws makes it fail. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { ground, dist, seed, without } = options;
  const own = options.lifecycle.own(`scenario ${scenario.number}`, new Lifecycle(ground.log), (each) => each.close());
  const began = performance.now();
  let checks: readonly Check[] = [];
  let error: string | null = null;
  try {
    checks = await scenario.run({
      ...{ ground, dist, seed, without },
      lifecycle: own,
      scenario: scenario.number,
      kills: options.kills ?? scenario.kills,
      share: options.share ?? 1,
      random: createRandom(`${seed} scenario ${scenario.number}`),
      signal: options.lifecycle.signal,
      progress: (text) => options.progress(`${scenario.number}: ${text}`),
    });
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  } finally {
    await own.close();
  }
  const passed = error === null && checks.every((check) => check.pass);
  return {
    ...{ scenario, passed, checks, error },
    seconds: (performance.now() - began) / 1_000,
    logs: passed || options.lifecycle.signal.aborted ? null : keepLogs(ground),
  };
}

function keepLogs(ground: Ground): string {
  const kept = mkdtempSync(join(tmpdir(), "gramfleet-faults-logs-"));
  cpSync(join(ground.dir, "logs"), kept, { recursive: true });
  return kept;
}
