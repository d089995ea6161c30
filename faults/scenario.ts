import type { Ground } from "../bench/ground.ts";
import type { Protection } from "../config/load.ts";
import type { Random } from "../emulator/world/random.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";

/** One row of the table of faults. */
export interface Scenario {
  /** Its number in the table. */
  readonly number: number;
  readonly fault: string;
  readonly passesWhen: string;
  /** How often the fault happens unless told otherwise. */
  readonly kills: number;
  /** It takes so long that it runs only when it is asked for. */
  readonly byHand?: true;
  /** Protections without which it must be seen to fail. */
  readonly provenWithout: readonly Protection[];
  run(stage: Stage): Promise<readonly Check[]>;
}

/** What a scenario runs on. What it starts it gives to `lifecycle`. */
export interface Stage {
  readonly ground: Ground;
  /** The folder of the compiled program. */
  readonly dist: string;
  readonly lifecycle: Lifecycle;
  readonly scenario: number;
  readonly kills: number;
  /** How much of the scenario's world there is: 1 is all of its users, channels and workers. */
  readonly share: number;
  readonly seed: number;
  readonly random: Random;
  /** Protections taken away. */
  readonly without: readonly Protection[];
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/** One figure of a report, and whether it is as it must be. */
export interface Check {
  readonly name: string;
  readonly value: number | string;
  /** What it must be; absent where the figure is for reading only. */
  readonly wanted?: string;
  readonly pass: boolean;
}

/** A figure that must be this. */
export const exactly = (name: string, value: number, wanted: number): Check => ({
  name,
  value,
  wanted: String(wanted),
  pass: value === wanted,
});

/** A figure that must be at most, or at least, so much. */
export const atMost = (name: string, value: number, most: number): Check => ({
  name,
  value,
  wanted: `≤ ${most}`,
  pass: value <= most,
});

export const atLeast = (name: string, value: number, least: number): Check => ({
  name,
  value,
  wanted: `≥ ${least}`,
  pass: value >= least,
});

/** A figure for reading. */
export const figure = (name: string, value: number | string): Check => ({ name, value, pass: true });
