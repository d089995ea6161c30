import type { Manifest } from "../../backup/records.ts";
import { openDatabase } from "../../db/client.ts";
import { loadInstallation, lookAround } from "../../db/installation.ts";
import type { Log } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { whatServerTells } from "../../telegram/installation/inspect.ts";

/**
 * Whether nobody uses an archive's sessions any more: it was made after its installation had been retired, or that
 * installation's database says so.
 *
 * @throws OperatorError where that database is another one, or says nothing of the kind
 */
export async function isRetired({ installation }: Manifest, oldUrl: string | null, log: Log): Promise<boolean> {
  if (oldUrl === null) return Boolean(installation?.retiredAt);
  const database = openDatabase({ url: oldUrl, poolSize: 1, fencedStatementMs: 5_000, log });
  try {
    const there = await database.asWorker(loadInstallation);
    if (!there || there.id !== installation?.id)
      throw new OperatorError(
        "the database of --old-database is not the one that the archive was made of: leave it out",
      );
    const tells = await whatServerTells(database);
    const { here } = await database.asWorker((tx) => lookAround(tx, tells));
    if (here.systemIdentifier !== there.systemIdentifier || here.databaseOid !== there.databaseOid)
      throw new OperatorError("the database of --old-database is a copy, and says nothing of what it is a copy of");
    if (!there.retiredAt)
      throw new OperatorError(
        "the database of --old-database is not retired: run gramfleet retire there, or leave it out and have the sessions parked",
      );
    return true;
  } finally {
    await database.close();
  }
}
