import { accountsToArchive } from "../db/archived-accounts.ts";
import type { Database } from "../db/database.ts";
import { loadInstallation } from "../db/installation.ts";
import { SCHEMA_VERSION } from "../db/migrate.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { writeArchive } from "./archive/write.ts";
import { type ArchiveEnd, type Manifest, toLine } from "./records.ts";

/** Users read at a time: what memory holds of them, however many there are. */
const BATCH = 100;

export interface BackupMade {
  readonly file: string;
  readonly accounts: number;
  readonly sessions: number;
  readonly bytes: number;
}

/**
 * Writes an archive of all sessions, or of one: of one moment, read as `gramfleet_backup`. There under its name only once
 * it is whole.
 *
 * @param options.signal aborted: nothing is left behind
 * @throws OperatorError where the one session is not there
 */
export async function createBackup(options: {
  readonly database: Database;
  readonly backupKey: Buffer;
  readonly file: string;
  readonly only: { readonly tenantId: string; readonly appId: string } | null;
  readonly now: Date;
  readonly progress?: (sessions: number) => void;
  readonly signal?: AbortSignal;
}): Promise<BackupMade> {
  const { database, file, only, now } = options;
  let accounts = 0;
  let sessions = 0;
  const bytes = await database.asBackup((tx) =>
    writeArchive(file, options.backupKey, now, async (archive) => {
      const add = (record: Manifest | ArchiveEnd) => archive.add(toLine(record));
      const installation = await loadInstallation(tx);
      await add({
        kind: "manifest",
        createdAt: now,
        schema: SCHEMA_VERSION,
        installation: installation && { id: installation.id, retiredAt: installation.retiredAt },
        only,
      });
      for (let after: bigint | null = 0n; after !== null; ) {
        options.signal?.throwIfAborted();
        const batch: Awaited<ReturnType<typeof accountsToArchive>> = await accountsToArchive(tx, {
          ...{ after, limit: BATCH, only },
        });
        for (const account of batch.accounts) {
          await archive.add(toLine({ kind: "account", ...account }));
          accounts += 1;
          sessions += account.sessions.length;
        }
        after = batch.next;
        options.progress?.(sessions);
      }
      if (only && sessions === 0)
        throw new OperatorError(
          `there is no authorised session ${only.tenantId}:${only.appId}: see gramfleet sessions list`,
        );
      await add({ kind: "end", accounts, sessions });
    }),
  );
  return { file, accounts, sessions, bytes };
}
