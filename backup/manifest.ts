import { readRecords } from "./read-records.ts";
import type { Manifest } from "./records.ts";

/** An archive's first record. What follows it is not read: whether it is whole is not known. @throws ArchiveRefused */
export async function readManifest(file: string, backupKey: Buffer): Promise<Manifest> {
  for await (const record of readRecords(file, backupKey)) if (record.kind === "manifest") return record;
  throw new Error("an archive without a manifest was read");
}
