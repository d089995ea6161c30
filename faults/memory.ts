import { readFileSync } from "node:fs";
import { sleep } from "../runtime/sleep.ts";
import type { Stage } from "./scenario.ts";

const SAMPLE_EVERY_MS = 100;

/** The resident memory of processes, sampled; Linux tells in /proc. */
export interface MemoryWatch {
  /** The most of each process since the start or the last call, in MiB. */
  peaks(): readonly number[];
  now(): readonly number[];
}

export function watchMemory(stage: Stage, pids: readonly number[]): MemoryWatch {
  let most = pids.map(() => 0);
  const sample = () => {
    most = pids.map((pid, at) => Math.max(most[at] ?? 0, residentMiB(pid)));
  };
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      sample();
      await sleep(SAMPLE_EVERY_MS, stop.signal);
    }
  })();
  watching.catch(() => {});
  stage.lifecycle.own("watch of memory", stop, (controller) => controller.abort());
  return {
    now: () => pids.map((pid) => Math.round(residentMiB(pid))),
    peaks() {
      sample();
      const peaks = most;
      most = pids.map(() => 0);
      return peaks;
    },
  };
}

/** 0 for a process that is gone. */
function residentMiB(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
