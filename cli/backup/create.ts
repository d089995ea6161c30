import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { createBackup } from "../../backup/create.ts";
import { archiveName, ownFolder } from "../../backup/folder.ts";
import { noteBackup } from "../../db/session-backups.ts";
import { type CommonOptions, withContext } from "../context.ts";
import { backupKeyOf } from "./place.ts";
import type { SessionName } from "./session-name.ts";
import { size } from "./words.ts";

export interface CreateOptions extends CommonOptions {
  readonly session?: SessionName;
  readonly out?: string;
}

export async function create(options: CreateOptions): Promise<void> {
  await withContext(options, [], async ({ out, config, database, lifecycle }) => {
    const backupKey = backupKeyOf(config);
    const now = new Date();
    if (options.out === undefined) await ownFolder(config.backups.dir);
    const made = await createBackup({
      ...{ database, backupKey, now },
      file: options.out === undefined ? join(config.backups.dir, archiveName(now)) : resolve(options.out),
      only: options.session ?? null,
      progress: (sessions) => out.progress(`${sessions} sessions`),
      signal: lifecycle.signal,
    });
    if (options.out === undefined && !options.session)
      await database.asWorker((tx) => noteBackup(tx, hostname(), now, made));
    out.result(made, () => `${made.file}: ${made.sessions} sessions of ${made.accounts} users, ${size(made.bytes)}`);
  });
}
