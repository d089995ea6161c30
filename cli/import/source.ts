import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { readSessionFile } from "../../formats/portable-session/read.ts";
import { type PortableSession, SessionRefused } from "../../formats/portable-session/session.ts";
import { isSqlite } from "../../formats/portable-session/sqlite-layout.ts";
import { LONGEST, readSessionString } from "../../formats/portable-session/strings.ts";

/** A session file has the accounts that its program has met: hundreds of thousands of them take less. */
export const MOST_BYTES = 64 * 1024 * 1024;
/** What SQLite keeps beside a database that is open, or was not closed. */
const UNFINISHED = ["-wal", "-journal"];

/**
 * Reads the session in a file.
 *
 * @param how.follow false: a symbolic link is refused
 * @param how.onBytes told how many were read
 * @throws SessionRefused
 */
export async function readFileAt(
  path: string,
  how: { readonly follow: boolean; readonly onBytes?: (bytes: number) => void } = { follow: true },
): Promise<PortableSession> {
  const bytes = await bytesOf(path, how.follow ? 0 : constants.O_NOFOLLOW);
  how.onBytes?.(bytes.length);
  if (isSqlite(bytes) && (await isUnfinished(path)))
    throw new SessionRefused("in_use", "its program has it open, or was killed: let that program close it first");
  return readSessionFile(bytes);
}

/** Reads the session string that comes in. @throws SessionRefused */
export async function readStream(stream: Readable): Promise<PortableSession> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > 2 * LONGEST) break;
  }
  return readSessionString(text);
}

async function bytesOf(path: string, flags: number): Promise<Buffer> {
  let file: FileHandle | null = null;
  try {
    // A pipe would be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
    const about = await file.stat();
    if (!about.isFile()) throw new SessionRefused("unreadable", "it is no file");
    if (about.size > MOST_BYTES)
      throw new SessionRefused("too_large", `it has more than ${MOST_BYTES / 1024 / 1024} MiB, and no session has`);
    return await file.readFile();
  } catch (error) {
    if (error instanceof SessionRefused || !(error instanceof Error && "code" in error)) throw error;
    throw new SessionRefused(
      "unreadable",
      error.code === "ENOENT" ? "there is no such file" : `it cannot be read (${error.code})`,
    );
  } finally {
    await file?.close();
  }
}

async function isUnfinished(path: string): Promise<boolean> {
  const sizes = await Promise.all(
    UNFINISHED.map((suffix) =>
      stat(path + suffix).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.some((size) => size > 0);
}
