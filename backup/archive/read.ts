import { type FileHandle, open } from "node:fs/promises";
import { OperatorError } from "../../runtime/operator-error.ts";
import { altered, LENGTH_BYTES, openChunk, readLength, TAG_BYTES } from "./chunk.ts";
import { cutShort, HEADER_BYTES, type Header, openHeader, readHeader } from "./header.ts";

/** No record comes near it: one user with every channel that there is room for. */
const LONGEST_RECORD_BYTES = 16 * 1024 * 1024;

/** What an archive says of itself in clear. Believed by nobody before its chunks have been read. @throws ArchiveRefused */
export async function peekHeader(path: string): Promise<Header> {
  const file = await openFile(path);
  try {
    return readHeader(await take(file, HEADER_BYTES));
  } finally {
    await file.close();
  }
}

/**
 * The records of an archive, in order. Each was authenticated before it is given, but that the archive is whole is known
 * only once the last one has come: until then nothing may be done with them.
 *
 * @throws ArchiveRefused where it is truncated, altered, of another key or of a newer version
 */
export async function* readArchive(path: string, backupKey: Buffer): AsyncGenerator<unknown> {
  const file = await openFile(path);
  try {
    const header = readHeader(await take(file, HEADER_BYTES));
    let rest: Buffer = Buffer.alloc(0);
    for await (const clear of chunks(file, openHeader(backupKey, header))) {
      rest = rest.length === 0 ? clear : Buffer.concat([rest, clear]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield JSON.parse(rest.subarray(0, end).toString("utf8"));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST_RECORD_BYTES) throw altered();
    }
    if (rest.length > 0) throw altered();
  } finally {
    await file.close();
  }
}

async function* chunks(file: FileHandle, key: ReturnType<typeof openHeader>): AsyncGenerator<Buffer> {
  for (let number = 0; ; number += 1) {
    const head = await take(file, LENGTH_BYTES);
    if (head.length < LENGTH_BYTES) throw cutShort();
    const { length, last } = readLength(head);
    const sealed = await take(file, length + TAG_BYTES);
    if (sealed.length < length + TAG_BYTES) throw cutShort();
    yield openChunk(key, { number, last }, sealed);
    if (!last) continue;
    if ((await take(file, 1)).length > 0) throw altered();
    return;
  }
}

/** Up to `length` bytes: fewer only at the file's end. */
async function take(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new OperatorError(`${path} cannot be read (${code}): see backup list`, { cause: error });
  }
}
