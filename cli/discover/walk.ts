import { constants, type Dirent } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isSqlite } from "../../formats/portable-session/sqlite-layout.ts";
import { LONGEST } from "../../formats/portable-session/strings.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Sessions lie in one folder, or in one a person; a whole disk was not meant. */
const DEEPEST = 8;
const MOST_ENTRIES = 20_000;
const MOST_FOUND = 10_000;

/** A file that has to do with a session, or a folder of Telegram Desktop's. */
export interface Found {
  readonly path: string;
  readonly kind: "file" | "tdata";
  /** By its name it is a session, whatever is in it. */
  readonly named: boolean;
}

/** What was looked at, and what was not. */
export interface Walked {
  readonly found: Found[];
  readonly entries: number;
  /** Symbolic links, which are not followed. */
  readonly links: number;
  /** Folders below the deepest that is looked at, and those that may not be read. */
  readonly closed: number;
  /** There was more than is looked at in one go. */
  readonly cut: boolean;
}

/**
 * Looks through a folder for sessions, without leaving it: no symbolic link below it is followed. A file counts by its
 * name (`*.session`), or by how it begins.
 *
 * @throws OperatorError where it is no folder that can be read
 */
export async function walk(dir: string): Promise<Walked> {
  const root = await realpath(dir).catch(() => dir);
  const walked = { found: [] as Found[], entries: 0, links: 0, closed: 0, cut: false };
  const queue = [{ path: root, depth: 0 }];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { path, depth } = next;
    const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (depth === 0) throw new OperatorError(`${dir} is no folder that can be read (${error.code})`);
      walked.closed += 1;
      return [];
    });
    if (entries.some(({ name }) => name === "key_datas" || name === "key_data"))
      walked.found.push({ path, kind: "tdata", named: true });
    for (const entry of entries.sort(byName)) {
      walked.entries += 1;
      if (walked.entries > MOST_ENTRIES || walked.found.length >= MOST_FOUND) return { ...walked, cut: true };
      const below = join(path, entry.name);
      if (entry.isSymbolicLink()) walked.links += 1;
      else if (entry.isDirectory() && depth >= DEEPEST) walked.closed += 1;
      else if (entry.isDirectory()) queue.push({ path: below, depth: depth + 1 });
      else if (entry.isFile()) {
        const named = entry.name.endsWith(".session");
        if (named || (await mayBeSession(below))) walked.found.push({ path: below, kind: "file", named });
      }
    }
  }
  return walked;
}

const byName = (a: Dirent, b: Dirent) => (a.name < b.name ? -1 : 1);

/** A SQLite database, or as short as a session string. */
async function mayBeSession(path: string): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (!file) return false;
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(16);
    await file.read(head, 0, head.length, 0);
    return isSqlite(head) || (size > 0 && size <= 2 * LONGEST);
  } finally {
    await file.close();
  }
}
