import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PROMETHEUS_DIR } from "./alert-rules.ts";

const run = promisify(execFile);

/** How promtool ended, and what it said. */
export const promtool = (args: readonly string[], cwd = PROMETHEUS_DIR): Promise<{ code: number; text: string }> =>
  run("promtool", [...args], { cwd }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  );
