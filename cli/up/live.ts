import type { Output } from "../output.ts";
import { table } from "../output.ts";

/** What the live view shows. */
export interface Snapshot {
  readonly seconds: number;
  readonly users: number;
  readonly due: number;
  readonly running: number;
  readonly parses: number;
  readonly messages: number;
  /** The part of all followed channels' ids that is covered, from 0 to 1; null before there are any. */
  readonly history: number | null;
  readonly waits: number;
  readonly queued: number;
  readonly lagByPlan: ReadonlyMap<string, { p50: number; p99: number; runs: number }>;
  /** What else there is to say: each line once. */
  readonly news: readonly string[];
  readonly warnings: readonly string[];
}

/** Draws snapshots: in place on a terminal, as plain lines now and then elsewhere. */
export interface LiveView {
  show(snapshot: Snapshot): void;
  /** Leaves the last picture standing. */
  end(): void;
}

const PLAIN_EVERY_SECONDS = 5;

export function createLiveView(out: Output, stdout: NodeJS.WriteStream = process.stdout): LiveView {
  if (!out.terminal) return plainView(out);
  let drawn = 0;
  return {
    show(snapshot) {
      const lines = picture(out, snapshot);
      stdout.write(
        `${drawn > 0 ? `\u001b[${drawn}A` : ""}${lines.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[J`,
      );
      drawn = lines.length;
    },
    end() {
      drawn = 0;
    },
  };
}

function plainView(out: Output): LiveView {
  let last = Number.NEGATIVE_INFINITY;
  const said = new Set<string>();
  return {
    show(snapshot) {
      for (const line of snapshot.news) {
        if (!said.has(line)) out.note(line);
        said.add(line);
      }
      for (const warning of snapshot.warnings) {
        if (!said.has(warning)) out.note(`warning: ${warning}`);
        said.add(warning);
      }
      if (snapshot.seconds - last < PLAIN_EVERY_SECONDS) return;
      last = snapshot.seconds;
      const lag = [...snapshot.lagByPlan]
        .filter(([plan]) => plan !== "all")
        .map(([plan, one]) => `${plan} p99 ${one.p99.toFixed(1)} s`)
        .join(", ");
      out.note(
        `${String(Math.round(snapshot.seconds)).padStart(4)} s  users ${snapshot.users}  due ${snapshot.due}  running ${snapshot.running}  ` +
          `parses ${snapshot.parses}  messages ${snapshot.messages}  history ${percent(snapshot.history)}  queued ${snapshot.queued}  waits ${snapshot.waits}` +
          (lag ? `  lag ${lag}` : ""),
      );
    },
    end() {},
  };
}

/** Rounded down: 100 % only where all is. */
const percent = (part: number | null): string => (part === null ? "–" : `${Math.floor(part * 100)} %`);

function picture(out: Output, snapshot: Snapshot): string[] {
  const lags = [...snapshot.lagByPlan].filter(([plan]) => plan !== "all");
  return [
    out.paint("dim", `${snapshot.seconds.toFixed(0)} s, Ctrl-C ends`),
    ...table(
      ["users", "due", "running", "parses", "messages", "history", "queued", "waits"],
      [
        [
          snapshot.users,
          snapshot.due,
          snapshot.running,
          snapshot.parses,
          snapshot.messages,
          percent(snapshot.history),
          snapshot.queued,
          snapshot.waits,
        ],
      ],
    ),
    "",
    ...(lags.length === 0
      ? [out.paint("dim", "lag: none yet (each user's first parse is left out)")]
      : table(
          ["plan", "runs", "lag p50", "lag p99"],
          lags.map(([plan, one]) => [plan, one.runs, `${one.p50.toFixed(2)} s`, `${one.p99.toFixed(2)} s`]),
        )),
    ...snapshot.news,
    ...snapshot.warnings.map((warning) => out.paint("yellow", `! ${warning}`)),
  ];
}
