import { hostname } from "node:os";
import { join } from "node:path";
import { createBackup } from "../backup/create.ts";
import { archiveName, ownFolder, pruneArchives } from "../backup/folder.ts";
import { readBackupKey } from "../backup/key.ts";
import type { BackupConfig } from "../config/backup.ts";
import type { Database } from "../db/database.ts";
import { backupsSoFar, claimBackup, endBackup, giveUpBackup } from "../db/session-backups.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** What failed is tried again after this part of the interval. */
const AGAIN = 1 / 24;

/**
 * Makes an archive of all sessions whenever one is due, on one scheduler of all; then, and only then, deletes the old
 * ones.
 *
 * @throws OperatorError at once where the key or the folder is not fit
 */
export async function createBackups(deps: {
  readonly database: Database;
  readonly backups: BackupConfig;
  readonly metrics: Pick<Metrics, "sessionBackups" | "lastSessionBackup">;
  readonly log: Log;
  readonly now: () => Date;
  /** Aborted when the process ends: what is under way is left undone. */
  readonly signal: AbortSignal;
}): Promise<() => Promise<"rest">> {
  const { database, backups, metrics, log, signal } = deps;
  const { dir: folder, keyPath, everyMs, keptMs } = backups;
  const backupKey = readBackupKey(keyPath ?? "");
  await ownFolder(folder);

  async function make(id: bigint): Promise<void> {
    const now = deps.now();
    try {
      const file = join(folder, archiveName(now));
      const made = await createBackup({ ...{ database, backupKey, file, now, signal }, only: null });
      await database.asWorker((tx) => endBackup(tx, id, made));
      metrics.sessionBackups.inc({ outcome: "done" });
      log.info({ file, sessions: made.sessions, bytes: made.bytes }, "sessions backed up");
    } catch (error) {
      if (signal.aborted) return database.asWorker((tx) => giveUpBackup(tx, id));
      metrics.sessionBackups.inc({ outcome: "failed" });
      const why = error instanceof Error ? error.message : String(error);
      await database.asWorker((tx) => endBackup(tx, id, { error: why }));
      throw error;
    }
    const deleted = await pruneArchives({ folder, backupKey, keptMs, now });
    if (deleted.length > 0) log.info({ files: deleted }, "old backups deleted");
  }

  return async () => {
    const claim = { everyMs, retryMs: everyMs * AGAIN, host: hostname() };
    const id = await database.asWorker((tx) => claimBackup(tx, claim));
    if (id !== null) await make(id);
    const { newest } = await database.asWorker(backupsSoFar);
    if (newest) metrics.lastSessionBackup.set(newest.endedAt.getTime() / 1_000);
    return "rest";
  };
}
