import { resolve } from "node:path";
import type { Values } from "./variables.ts";

/** How archives of sessions are made. */
export interface BackupConfig {
  /** Whether the scheduler makes them. */
  readonly scheduled: boolean;
  /** Null: none can be made or read. */
  readonly keyPath: string | null;
  readonly dir: string;
  readonly everyMs: number;
  readonly keptMs: number;
}

export function backupConfig(given: Values): BackupConfig {
  return {
    scheduled: given.ENABLE_SESSION_BACKUP === "true",
    keyPath: given.BACKUP_ENCRYPTION_KEY_PATH ?? null,
    dir: resolve(given.BACKUP_DIR),
    everyMs: given.BACKUP_EVERY_HOURS * 3_600_000,
    keptMs: given.BACKUP_RETENTION_DAYS * 86_400_000,
  };
}

export function backupProblems(given: Values): string[] {
  if (given.ENABLE_SESSION_BACKUP !== "true" || given.BACKUP_ENCRYPTION_KEY_PATH) return [];
  return ["BACKUP_ENCRYPTION_KEY_PATH is not set, and ENABLE_SESSION_BACKUP is true"];
}
