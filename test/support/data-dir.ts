import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A data directory of one test, gone when the test is. PostgreSQL, a user of its own under root, can reach it. */
export function testDataDir(): string {
  const path = mkdtempSync(join(tmpdir(), "gramfleet-data-"));
  chmodSync(path, 0o711);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
