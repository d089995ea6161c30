import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { type Arrival, arrivalLine } from "./arrival.ts";

/**
 * What a run of `up` comes to; with `--json` its last line. Against a real Telegram there is no witness: lost, doubled,
 * violations and duplicateKeys are null.
 */
export interface Summary {
  readonly users: number;
  readonly parses: number;
  readonly messages: number;
  readonly edits: number;
  readonly deletions: number;
  readonly lost: number | null;
  readonly doubled: number | null;
  readonly violations: number | null;
  readonly duplicateKeys: number | null;
  /** Null where no user was parsed twice. */
  readonly lagP99Seconds: number | null;
  /** How somebody new came by the bot; null where there was none, or no time for it. Counted nowhere else. */
  readonly arrival: Arrival | null;
}

/** Exit code 0 only where nothing was lost, doubled, called too early or killed. */
export function exitCodeOf(summary: Summary): 0 | 1 {
  const counts = [summary.lost, summary.doubled, summary.violations, summary.duplicateKeys];
  return counts.every((count) => count === null || count === 0) ? 0 : 1;
}

export function describe(out: Output, summary: Summary, examples: readonly string[]): string[] {
  const judged = (count: number | null) =>
    count === null ? "not known" : count === 0 ? out.paint("green", "0") : out.paint("red", String(count));
  return [
    "",
    ...table(
      ["users", "parses", "messages", "edits", "deletions", "lag p99"],
      [
        [
          summary.users,
          summary.parses,
          summary.messages,
          summary.edits,
          summary.deletions,
          summary.lagP99Seconds === null ? null : `${summary.lagP99Seconds.toFixed(2)} s`,
        ],
      ],
    ),
    `lost ${judged(summary.lost)} · doubled ${judged(summary.doubled)} · calls before a wait's end ` +
      `${judged(summary.violations)} · keys killed ${judged(summary.duplicateKeys)}`,
    ...(summary.arrival === null ? [] : [arrivalLine(summary.arrival)]),
    ...examples.map((example) => out.paint("yellow", `! ${example}`)),
  ];
}
