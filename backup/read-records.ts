import { readArchive } from "./archive/read.ts";
import { ArchiveRefused } from "./archive/refused.ts";
import { type ArchiveRecord, archiveRecord } from "./records.ts";

/**
 * What an archive says, checked: a manifest, accounts, an end that has counted them. That it is whole is known only once
 * the end has come.
 *
 * @throws ArchiveRefused
 */
export async function* readRecords(file: string, backupKey: Buffer): AsyncGenerator<ArchiveRecord> {
  let number = 0;
  let sessions = 0;
  let ended = false;
  for await (const line of readArchive(file, backupKey)) {
    const { success, data: record } = archiveRecord.safeParse(line);
    const inPlace = success && !ended && (record.kind === "manifest") === (number === 0);
    if (!inPlace) throw unreadable();
    if (record.kind === "account") sessions += record.sessions.length;
    if (record.kind === "end") {
      ended = true;
      if (record.accounts !== number - 1 || record.sessions !== sessions) throw unreadable();
    }
    yield record;
    number += 1;
  }
  if (!ended) throw unreadable();
}

const unreadable = () =>
  new ArchiveRefused(
    "unreadable",
    "the archive holds what this version of gramfleet does not understand: use the gramfleet that made it, or a newer one",
  );
