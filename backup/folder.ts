import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import { peekHeader } from "./archive/read.ts";
import { ArchiveRefused } from "./archive/refused.ts";
import { readRecords } from "./read-records.ts";

const NAME = /^sessions-\d{8}T\d{6}Z-[0-9a-f]{6}\.gfbackup$/;

/** One file of a folder of archives, as it says of itself in clear. */
export interface ListedArchive {
  readonly file: string;
  readonly bytes: number;
  readonly createdAt: Date;
  /** Why it is none, where it is none. */
  readonly problem: string | null;
}

/** A name that sorts by time, and that no other process takes. */
export function archiveName(now: Date): string {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "");
  return `sessions-${time}-${randomBytes(3).toString("hex")}.gfbackup`;
}

/** Makes it where it is missing, and closes it to others where they could enter. @throws OperatorError where that fails */
export async function ownFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if ((mode & 0o007) !== 0) await chmod(folder, mode & 0o770);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new OperatorError(
      `archives cannot be put into ${folder} (${code}): make it ours, closed to others (0700), or set BACKUP_DIR`,
      { cause: error },
    );
  }
}

/** The archives of a folder, the newest first; none where there is no such folder. */
export async function listArchives(folder: string): Promise<ListedArchive[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new OperatorError(`${folder} cannot be read (${error.code}): see BACKUP_DIR`, { cause: error });
  });
  const listed = await Promise.all(names.filter((name) => NAME.test(name)).map((name) => lookAt(join(folder, name))));
  return listed.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
}

async function lookAt(file: string): Promise<ListedArchive> {
  const { size, mtime } = await stat(file);
  try {
    return { file, bytes: size, createdAt: (await peekHeader(file)).createdAt, problem: null };
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
    return { file, bytes: size, createdAt: mtime, problem: error.message };
  }
}

/**
 * Deletes the archives that are older than they are kept, but never the newest that is whole: where none is, none goes.
 *
 * @returns those deleted
 */
export async function pruneArchives(options: {
  readonly folder: string;
  readonly backupKey: Buffer;
  readonly keptMs: number;
  readonly now: Date;
}): Promise<string[]> {
  const { folder, backupKey, keptMs, now } = options;
  const listed = await listArchives(folder);
  const isOld = ({ createdAt }: ListedArchive) => now.getTime() - createdAt.getTime() > keptMs;
  if (!listed.some(isOld)) return [];
  const good = await newestGood(listed, backupKey);
  if (!good) return [];
  const old = listed.filter((one) => one !== good && isOld(one)).map(({ file }) => file);
  for (const file of old) await rm(file, { force: true });
  return old;
}

async function newestGood(listed: readonly ListedArchive[], backupKey: Buffer): Promise<ListedArchive | null> {
  for (const one of listed.filter(({ problem }) => problem === null)) {
    try {
      for await (const _ of readRecords(one.file, backupKey));
      return one;
    } catch (error) {
      if (!(error instanceof ArchiveRefused)) throw error;
    }
  }
  return null;
}
