import { loadavg } from "node:os";
import { type Output, table } from "../../cli/output.ts";
import { buildProgram } from "../../faults/build.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { createLog } from "../../runtime/log.ts";
import { acquire } from "../acquire.ts";
import { openGround } from "../ground.ts";
import { MOST_WAITED, TOLERANCE } from "./agreement.ts";
import { type Checked, type Compared, check } from "./check.ts";
import { endChildren } from "./end-children.ts";

/** It takes three; what takes so much longer hangs. */
const LONGEST_MS = 6 * 60_000;
/** Whatever has not ended by then is killed. */
const GRACE_MS = 20_000;

/** Runs the check and prints it. Gives 1 where a prediction is further off than it may be; exits 130 when interrupted. */
export async function runCheck(out: Output): Promise<0 | 1> {
  const log = createLog({ level: "warn", name: "simulate" });
  const lifecycle = new Lifecycle(log);
  let supervisorPid = 0;
  const end = async (code: number) => {
    // The supervisor is spared: it takes PostgreSQL and Redis with it in order.
    setTimeout(() => endChildren((pid) => pid !== supervisorPid), GRACE_MS).unref();
    await lifecycle.close();
    process.exit(code);
  };
  const onSignal = () => {
    if (lifecycle.signal.aborted) process.exit(130);
    out.note("stopping");
    void end(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, onSignal);
  const patience = setTimeout(() => {
    out.note(`not done after ${LONGEST_MS / 60_000} minutes: stopping`);
    void end(1);
  }, LONGEST_MS);
  const work = async () => {
    const ground = await openGround({ env: process.env, name: "simulate", lifecycle, log });
    supervisorPid = ground.supervisorPid;
    lifecycle.signal.throwIfAborted();
    out.note("building the program");
    // Waited for when interrupted: it would write into the folder that is removed.
    const dist = await acquire(lifecycle, "build", buildProgram(ground.dir), () => {});
    lifecycle.signal.throwIfAborted();
    return check({ ...ground, dist }, lifecycle, (text) => out.note(text));
  };
  const startedAt = performance.now();
  try {
    const checked = await work();
    const [load = 0] = loadavg();
    await lifecycle.close();
    const agrees = checked.compared.every(({ tooFarOff }) => tooFarOff.length === 0);
    const seconds = (performance.now() - startedAt) / 1_000;
    out.result({ ...checked, tolerance: TOLERANCE, agrees, seconds, loadAverage: load }, () =>
      described(checked, { load, seconds, agrees }),
    );
    return agrees ? 0 : 1;
  } catch (error) {
    // What an interruption breaks off is no failure: it ends by `end`.
    if (lifecycle.signal.aborted) return new Promise(() => {});
    await lifecycle.close();
    throw error;
  } finally {
    clearTimeout(patience);
  }
}

function described(
  { service, calibration, compared }: Checked,
  at: { load: number; seconds: number; agrees: boolean },
) {
  const costs = Object.entries(service).map(([name, seconds]) => `${name} ${(seconds * 1_000).toFixed(1)} ms`);
  const use = (cores: number) => cores.toFixed(3);
  return [
    "costs taken from, on one worker:",
    ...table(
      ["run", "parses/s", "calls/s", "changes/s", "a worker's cores", "a run"],
      calibration.map((seen) => [
        ...[
          seen.name,
          seen.parsesPerSecond.toFixed(1),
          seen.callsPerSecond.toFixed(1),
          seen.changesPerSecond.toFixed(1),
        ],
        ...[use(seen.workerUse), `${(seen.duration * 1_000).toFixed(0)} ms`],
      ]),
    ),
    `${costs.join(", ")} (cpuAtRest by the second)`,
    "",
    "predicted from these, and seen:",
    ...table(["run", "", "parses/s", "calls/s", "a worker's cores", "lag p50", "lag p99"], compared.flatMap(linesOf)),
    "",
    `tolerance: parses/s ${percent(TOLERANCE.parsesPerSecond)}, calls/s ${percent(TOLERANCE.callsPerSecond)}, cores ${percent(TOLERANCE.workerUse)}, lag p50 ${TOLERANCE.lagP50} s`,
    ...compared.flatMap(({ seen, tooFarOff, notCompared }) => [
      ...(notCompared.length > 0
        ? [
            `not compared, ${nameOf(seen)}: ${notCompared.join(", ")}; something else had the processor ${percent(seen.workerWaited)} of the time (more than ${percent(MOST_WAITED)})`,
          ]
        : []),
      ...(tooFarOff.length > 0 ? [`TOO FAR OFF, ${nameOf(seen)}: ${tooFarOff.join(", ")}`] : []),
    ]),
    `${at.agrees ? "what was predicted was seen" : "what was predicted was not seen"}; ${at.seconds.toFixed(0)} s, load average ${at.load.toFixed(1)}`,
  ];
}

const nameOf = ({ name, workers }: Compared["seen"]) => `${name}, ${workers === 1 ? "one worker" : "two workers"}`;

function linesOf({ predicted, seen, distance }: Compared): string[][] {
  const line = (name: string, of: string, side: Compared["predicted"]) => [
    ...[name, of, side.parsesPerSecond.toFixed(1), side.callsPerSecond.toFixed(1), side.workerUse.toFixed(3)],
    ...[`${side.lag.p50.toFixed(2)} s`, `${side.lag.p99.toFixed(2)} s`],
  ];
  const off = [distance.parsesPerSecond, distance.callsPerSecond, distance.workerUse].map(signed);
  return [
    line(nameOf(seen), "predicted", predicted),
    line("", "seen", seen),
    ["", "off by", ...off, `${distance.lagP50.toFixed(2)} s`, ""],
  ];
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const signed = (share: number) => `${share > 0 ? "+" : ""}${percent(share)}`;
