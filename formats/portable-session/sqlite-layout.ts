import { SessionRefused } from "./session.ts";

const MAGIC = Buffer.from("SQLite format 3\0", "latin1");
const HEADER_BYTES = 100;
/** Read and write version in the header: a database whose last changes may lie in a second file. */
const WITH_LOG = 2;
const TABLE_LEAF = 0x0d;
const TABLE_INTERIOR = 0x05;

export const isSqlite = (bytes: Uint8Array): boolean => MAGIC.equals(bytes.subarray(0, MAGIC.length));

/**
 * A copy for SQLite to open, once its outline is what a session's is (sqlite.org/fileformat2): all pages are there, and
 * the table of contents is at most two pages deep, each page in it once. SQLite reads that table whole before anything
 * else, so pages that name each other again and again would keep it busy for good.
 *
 * @throws SessionRefused
 */
export function checkLayout(bytes: Buffer): Buffer {
  if (bytes.length < HEADER_BYTES) throw damaged();
  const stored = bytes.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) throw damaged();
  const pages = bytes.length / pageSize;
  // How many there should be is in the header only where the last writer kept it.
  const counted = bytes.readUInt32BE(24) === bytes.readUInt32BE(92) ? bytes.readUInt32BE(28) : 0;
  if (!Number.isInteger(pages) || counted > pages)
    throw new SessionRefused("malformed", "it is a SQLite database that is cut off");
  checkContents(bytes, pageSize, pages);
  const copy = Buffer.from(bytes);
  // Without its second file a database with a log could not be opened in memory; that there is none is the caller's care.
  if (copy[18] === WITH_LOG) copy.fill(1, 18, 20);
  return copy;
}

function checkContents(bytes: Buffer, pageSize: number, pages: number): void {
  if (bytes[HEADER_BYTES] === TABLE_LEAF) return;
  if (bytes[HEADER_BYTES] !== TABLE_INTERIOR) throw damaged();
  const cells = bytes.readUInt16BE(HEADER_BYTES + 3);
  const children = new Set([bytes.readUInt32BE(HEADER_BYTES + 8)]);
  for (let cell = 0; cell < cells; cell += 1) {
    const pointer = HEADER_BYTES + 12 + cell * 2;
    const at = pointer + 2 > pageSize ? pageSize : bytes.readUInt16BE(pointer);
    if (at + 4 > pageSize) throw damaged();
    children.add(bytes.readUInt32BE(at));
  }
  const isLeaf = (page: number) => page >= 2 && page <= pages && bytes[(page - 1) * pageSize] === TABLE_LEAF;
  if (children.size !== cells + 1 || ![...children].every(isLeaf)) throw damaged();
}

export const damaged = (): SessionRefused =>
  new SessionRefused("malformed", "it is a damaged SQLite database, or none at all");
