import type { PortableSession } from "./session.ts";
import { SessionRefused } from "./session.ts";
import { readSessionDatabase } from "./sqlite.ts";
import { isSqlite } from "./sqlite-layout.ts";
import { LONGEST, readSessionString } from "./strings.ts";

/**
 * Reads a session that somebody has as a file: a SQLite database, or a text with a session string in it.
 *
 * @throws SessionRefused
 */
export async function readSessionFile(bytes: Buffer): Promise<PortableSession> {
  if (bytes.length === 0) throw new SessionRefused("empty", "it is empty");
  if (isSqlite(bytes)) return readSessionDatabase(bytes);
  // Room for what an editor puts round it.
  if (bytes.length > 2 * LONGEST) throw noSession();
  const text = bytes.toString("latin1");
  if (!/^[\s\x21-\x7e]*$/.test(text)) throw noSession();
  return readSessionString(text);
}

const noSession = () =>
  new SessionRefused("unknown_format", "it is neither a SQLite database nor a text with a session string");
