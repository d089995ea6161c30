import { rmSync } from "node:fs";
import { createLog } from "../runtime/log.ts";
import { openDataDir } from "./data-dir.ts";
import { tryLock } from "./lock.ts";
import type { StartReport } from "./protocol.ts";
import { startSupervisor } from "./supervisor.ts";

/** Started detached by `holdServices`: `supervisor-main <data directory> <linger, ms> [--volatile]`. */
const [path = "", lingerMs, mode] = process.argv.slice(2);
const volatile = mode === "--volatile";
/** Speed, not safety, for a data directory that goes with its last holder. */
const VOLATILE = {
  fsync: "off",
  full_page_writes: "off",
  max_wal_size: "256MB",
  max_connections: "300",
  shared_buffers: "64MB",
};

const log = createLog({ level: "info", name: "supervisor" });
const report = (message: StartReport) =>
  new Promise<void>((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });

try {
  const dataDir = openDataDir(path);
  const lock = await tryLock(dataDir, "supervisor");
  if (!lock) {
    await report({ type: "busy" });
    process.exit(0);
  }
  const supervisor = await startSupervisor({
    dataDir,
    log,
    path: process.env.PATH ?? "",
    lingerMs: Number(lingerMs),
    firstHolderMs: 10_000,
    ...(volatile ? { postgresSettings: VOLATILE } : {}),
  });
  process.on("SIGTERM", supervisor.stop);
  process.on("SIGINT", supervisor.stop);
  process.on("SIGHUP", () => {});
  process.on("disconnect", () => {});
  await report({ type: "listening" });
  await supervisor.stopped;
  if (volatile) {
    for (const folder of [supervisor.cluster(), dataDir.path]) {
      if (folder) rmSync(folder, { recursive: true, force: true });
    }
  }
  await lock.release();
  process.exit(0);
} catch (error) {
  log.error({ err: error }, "supervisor failed");
  await report({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
