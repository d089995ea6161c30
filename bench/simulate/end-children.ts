import { readdirSync, readFileSync } from "node:fs";
import { parseStat } from "../cpu.ts";

/** Kills (SIGKILL) those processes of ours that `which` says, by their ids: our direct children alone. */
export function endChildren(which: (pid: number) => boolean): void {
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const { pid, parent } = parseStat(readFileSync(`/proc/${name}/stat`, "utf8"));
      if (parent === process.pid && which(pid)) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended since the folder was listed.
    }
  }
}
