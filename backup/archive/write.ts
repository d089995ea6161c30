import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CHUNK_BYTES, sealChunk } from "./chunk.ts";
import { type ArchiveKey, newHeader } from "./header.ts";

/** Where the lines of an archive are put. */
export interface ArchiveWriter {
  /** One line of JSON. */
  add(record: unknown): Promise<void>;
}

/**
 * Writes an archive: to another name beside it, and there under its own only once it is whole and on the disk. What fails
 * leaves nothing. The file is its owner's alone (0600), a folder that is made for it likewise (0700).
 *
 * @param content adds the records; memory holds a chunk of them
 * @returns its size in bytes
 */
export async function writeArchive(
  path: string,
  backupKey: Buffer,
  createdAt: Date,
  content: (archive: ArchiveWriter) => Promise<void>,
): Promise<number> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.${randomBytes(4).toString("hex")}.partial`;
  const file = await open(partial, "wx", 0o600);
  try {
    const { header, key } = newHeader(backupKey, createdAt);
    await file.writeFile(header.bytes);
    const chunks = createChunks(file, key);
    await content(chunks);
    const bytes = header.bytes.length + (await chunks.end());
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncFolder(folder);
    return bytes;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

function createChunks(file: FileHandle, key: ArchiveKey): ArchiveWriter & { end(): Promise<number> } {
  let rest = Buffer.alloc(0);
  let number = 0;
  let written = 0;
  const put = async (clear: Buffer, last: boolean) => {
    const sealed = sealChunk(key, { number, last }, clear);
    number += 1;
    written += sealed.length;
    await file.writeFile(sealed);
  };
  return {
    async add(record) {
      rest = Buffer.concat([rest, Buffer.from(`${JSON.stringify(record)}\n`, "utf8")]);
      // The last chunk is the one that says so: it is kept back until it is known.
      while (rest.length > CHUNK_BYTES) {
        await put(rest.subarray(0, CHUNK_BYTES), false);
        rest = rest.subarray(CHUNK_BYTES);
      }
    },
    async end() {
      await put(rest, true);
      return written;
    },
  };
}

/** A rename is there after a power cut only once its folder is on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
