import { createHash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { ArchiveRefused } from "./refused.ts";

/** What an archive begins with; in clear, and authenticated by every chunk. */
export interface Header {
  readonly createdAt: Date;
  readonly bytes: Buffer;
}

/** What one archive's chunks are sealed with. */
export interface ArchiveKey {
  readonly key: Buffer;
  /** SHA-256 of the header: associated data of each chunk, so that none fits another archive. */
  readonly header: Buffer;
}

const MAGIC = Buffer.from("GFBACKUP");
const VERSION = 1;
const SALT_BYTES = 32;
const CHECK_BYTES = 16;
/** magic, version (u16), when it was made (u64, milliseconds), salt, check of the key. */
const CREATED_AT = MAGIC.length + 2;
const SALT_AT = CREATED_AT + 8;
const CHECK_AT = SALT_AT + SALT_BYTES;
export const HEADER_BYTES = CHECK_AT + CHECK_BYTES;

/** A key of its own for each archive, by HKDF-SHA256 (RFC 5869) from the backup key and a random salt. */
export function newHeader(backupKey: Buffer, createdAt: Date): { header: Header; key: ArchiveKey } {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, MAGIC.length);
  bytes.writeBigUInt64BE(BigInt(createdAt.getTime()), CREATED_AT);
  const salt = randomBytes(SALT_BYTES);
  salt.copy(bytes, SALT_AT);
  derive(backupKey, salt, "check").copy(bytes, CHECK_AT, 0, CHECK_BYTES);
  return { header: { createdAt, bytes }, key: archiveKey(backupKey, bytes) };
}

/**
 * @param bytes the first {@link HEADER_BYTES} of the file, or all of it where it is shorter
 * @throws ArchiveRefused where this is no archive, or one of a newer version
 */
export function readHeader(bytes: Buffer): Header {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new ArchiveRefused("no_archive", "this is no archive of gramfleet's: give a file that backup create made");
  if (bytes.length < HEADER_BYTES) throw cutShort();
  const version = bytes.readUInt16BE(MAGIC.length);
  if (version !== VERSION)
    throw new ArchiveRefused(
      "newer_version",
      `the archive has version ${version}, which this version of gramfleet does not know: use the gramfleet that made it, or a newer one`,
    );
  return { createdAt: new Date(Number(bytes.readBigUInt64BE(CREATED_AT))), bytes };
}

/** @throws ArchiveRefused where the archive was made with another key */
export function openHeader(backupKey: Buffer, { bytes }: Header): ArchiveKey {
  const check = derive(backupKey, saltOf(bytes), "check").subarray(0, CHECK_BYTES);
  if (!timingSafeEqual(check, bytes.subarray(CHECK_AT)))
    throw new ArchiveRefused(
      "wrong_key",
      "the archive was made with another key: give that one by BACKUP_ENCRYPTION_KEY_PATH",
    );
  return archiveKey(backupKey, bytes);
}

export const cutShort = () =>
  new ArchiveRefused("truncated", "the archive is cut short: nothing of it is used; take another copy of it");

const saltOf = (header: Buffer) => header.subarray(SALT_AT, CHECK_AT);

const archiveKey = (backupKey: Buffer, header: Buffer): ArchiveKey => ({
  key: derive(backupKey, saltOf(header), "chunks"),
  header: createHash("sha256").update(header).digest(),
});

const derive = (backupKey: Buffer, salt: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", backupKey, salt, `gramfleet backup ${VERSION} ${purpose}`, 32));
