import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { ROWS } from "../../bench/rows.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx/esm")).href;

/** Sizes are too small for the ratios to mean anything: a row that does not hold is exit code 1. */
async function bench(args: readonly string[]) {
  const command = ["--import", tsx, join(root, "bench/main.ts"), "--quick", "--pairs", "1", "--json", ...args];
  const ended = await run(process.execPath, command, { cwd: root, maxBuffer: 1e7 }).catch(
    (error: { code?: number; stdout: string; stderr: string }) => {
      if (error.code !== 1 || !error.stdout) throw new Error(error.stderr);
      return error;
    },
  );
  const { rows } = JSON.parse(ended.stdout.trim().split("\n").at(-1) ?? "") as {
    rows: { row: string; ours: number; baseline: number; ratio: number; atLeast: number; pass: boolean }[];
  };
  return { rows, notes: ended.stderr };
}

/** Ten rows, each with processes of its own. */
const SLOW_MS = 900_000;
const named = ROWS.map(({ name }) => name).filter((name) => name !== "growth");

test(
  "every row but growth is measured where none is named: each of its runs did what it was to",
  async () => {
    const { rows } = await bench([]);
    expect(rows.map(({ row }) => row)).toEqual(named);
    for (const row of rows) {
      expect(row.ours).toBeGreaterThan(0);
      expect(row.baseline).toBeGreaterThan(0);
      expect(row.ratio).toBeGreaterThan(0);
    }
  },
  SLOW_MS,
);

test("growth keeps its rows, and a second run finds them", async () => {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-growth-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  // PostgreSQL passes through it as a user of its own when we are root.
  chmodSync(dir, 0o711);
  const measured = () => bench(["--only", "growth", "--growth-dir", join(dir, "kept")]);
  const first = await measured();
  const second = await measured();
  expect(first.notes).toContain("filling 20000 rows, 20000 of which are missing");
  expect(second.notes).not.toContain("filling");
  for (const { rows } of [first, second]) {
    expect(rows).toMatchObject([{ row: "growth", atLeast: 0.87 }]);
    expect(rows[0]?.ours).toBeGreaterThan(0);
  }
});
