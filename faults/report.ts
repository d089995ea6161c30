import type { Output } from "../cli/output.ts";
import type { Outcome } from "./run.ts";
import type { Check } from "./scenario.ts";

/** What `--json` prints: one entry a scenario that ran. */
export interface Report {
  readonly seed: number;
  readonly without: readonly string[];
  readonly scenarios: readonly {
    readonly number: number;
    readonly passed: boolean;
    readonly seconds: number;
    readonly figures: Readonly<Record<string, number | string>>;
    /** Figures that are not as they must be. */
    readonly failed: readonly string[];
    readonly error: string | null;
  }[];
}

export function reportOf(outcomes: readonly Outcome[], how: { seed: number; without: readonly string[] }): Report {
  return {
    ...how,
    scenarios: outcomes.map(({ scenario, passed, seconds, checks, error }) => ({
      ...{ number: scenario.number, passed, error },
      seconds: Math.round(seconds),
      figures: Object.fromEntries(checks.map((check) => [check.name, check.value])),
      failed: checks.filter((check) => !check.pass).map((check) => check.name),
    })),
  };
}

/** The report line of one scenario, and what there is to say where it did not pass. */
export function describe(out: Output, outcome: Outcome): string[] {
  const { scenario, passed, seconds, checks, error, logs } = outcome;
  const verdict = passed ? out.paint("green", "passed") : out.paint("red", "FAILED");
  const figures = checks.map((check) => (check.pass ? plain(check) : out.paint("red", plain(check))));
  return [
    `${scenario.number} ${verdict} in ${Math.round(seconds)} s · ${scenario.fault}: ${figures.join(" · ")}`,
    ...checks.filter((check) => !check.pass).map((check) => `  ${check.name} is ${check.value}, not ${check.wanted}`),
    ...(error === null ? [] : [`  ${error}`]),
    ...(logs === null ? [] : [`  logs: ${logs}`]),
  ];
}

const plain = ({ name, value }: Check): string => `${name} ${value}`;
