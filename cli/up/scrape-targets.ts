import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "./children.ts";

/** What Prometheus reads to find the processes (`file_sd_configs`), for as long as they run. */
export interface ScrapeTargets {
  readonly file: string;
  remove(): void;
}

/**
 * Writes where each child's `/metrics` is: the label `process` says what it is (worker, scheduler), `instance` which one.
 * Ports are another choice of the system's at each start, so nobody could write them down beforehand.
 */
export function writeScrapeTargets(
  dataDir: string,
  children: readonly Pick<Child, "name">[],
  ports: readonly number[],
): ScrapeTargets {
  const file = join(dataDir, "prometheus-targets.json");
  const groups = children.map(({ name }, index) => ({
    targets: [`127.0.0.1:${ports[index]}`],
    labels: { process: name.replace(/-\d+$/, ""), instance: name },
  }));
  // Prometheus may be a user of its own.
  writeFileSync(`${file}.new`, `${JSON.stringify(groups, null, 2)}\n`, { mode: 0o644 });
  renameSync(`${file}.new`, file);
  return { file, remove: () => rmSync(file, { force: true }) };
}
