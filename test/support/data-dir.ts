import { chmodSync, existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** A data directory of one test, gone when the test is. PostgreSQL, a user of its own under root, can reach it. */
export function testDataDir(): string {
  const path = makeDataDir();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** One for a whole test file, gone when its services have stopped at the file's end. Call it at the file's top. */
export function fileDataDir(): string {
  const path = makeDataDir();
  afterAll(async () => {
    await servicesStopped(path);
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** Waits for the end of a data directory's supervisor: its note is the last that it takes away. */
export async function servicesStopped(dataDir: string): Promise<void> {
  await eventually(() => !existsSync(join(dataDir, "run")), { timeoutMs: 60_000, what: "the supervisor's end" });
}

/** The processes that have a file of this directory open, or work in it; Linux only. */
export function processesOf(dataDir: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => linksOf(pid).some((target) => target.startsWith(dataDir))).map(Number);
}

function linksOf(pid: string): string[] {
  const read = (link: string) => {
    try {
      return readlinkSync(link);
    } catch {
      return "";
    }
  };
  try {
    return [read(`/proc/${pid}/cwd`), ...readdirSync(`/proc/${pid}/fd`).map((fd) => read(`/proc/${pid}/fd/${fd}`))];
  } catch {
    // It is another's, or has ended since.
    return [];
  }
}

function makeDataDir(): string {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-data-"));
  chmodSync(path, 0o711);
  return path;
}
