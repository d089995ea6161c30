import { resolve } from "node:path";
import { readManifest } from "../../backup/manifest.ts";
import { type Restored, restoreBackup } from "../../backup/restore.ts";
import { createVault } from "../../telegram/vault.ts";
import { type CommonOptions, withContext } from "../context.ts";
import { backupKeyOf } from "./place.ts";
import { isRetired } from "./retired.ts";
import type { SessionName } from "./session-name.ts";
import { sessions as count } from "./words.ts";

export interface RestoreOptions extends CommonOptions {
  readonly dryRun: boolean;
  readonly session?: SessionName;
  readonly force: boolean;
  readonly oldDatabase?: string;
}

/** What is not known to be gone may still use the sessions: then they are parked. */
export async function restore(file: string, options: RestoreOptions): Promise<void> {
  await withContext(options, ["keyring"], async ({ out, config, database, lifecycle, log }) => {
    const backupKey = backupKeyOf(config);
    const path = resolve(file);
    const manifest = await readManifest(path, backupKey);
    const retired = await isRetired(manifest, options.oldDatabase ?? null, log);
    const restored = await restoreBackup({
      ...{ database, backupKey, file: path },
      vault: createVault(config.keyring),
      only: options.session ?? null,
      parked: !retired,
      force: options.force,
      dryRun: options.dryRun,
      progress: (what, sessions) => out.progress(`${what} ${sessions} sessions`),
      signal: lifecycle.signal,
    });
    out.result(
      { file: path, dryRun: options.dryRun, parked: !retired, createdAt: manifest.createdAt, ...restored },
      () => describe(restored, { dryRun: options.dryRun, parked: !retired }),
    );
  });
}

function describe(restored: Restored, { dryRun, parked }: { dryRun: boolean; parked: boolean }): string[] {
  const put = restored.restored + restored.replaced;
  const would = dryRun ? "would be " : "";
  return [
    `${count(put)} ${would}restored (${restored.replaced} over an older key), ${restored.usersAdded} users added`,
    ...Object.entries(restored.skipped).map(([why, skipped]) => `${count(skipped)} left out: ${why}`),
    ...restored.named
      .filter(({ why }) => why !== "there already")
      .map(({ tenantId, appId, why }) => `  ${tenantId}:${appId}: ${why}`),
    ...(put > 0 && parked
      ? [
          `they ${dryRun ? "would be" : "are"} parked: no session is opened until you know that the other installation is gone for good, and say so:`,
          "  gramfleet sessions unpark --all",
        ]
      : []),
    ...(put > 0 && !parked ? ["the installation that they are from was retired: they are read from now on"] : []),
  ];
}
