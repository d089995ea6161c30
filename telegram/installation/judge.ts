import { type Installation, LOST_IN_FAILOVER, type Seen, type Whereabouts } from "../../db/installation.ts";

/** Why the sessions in a database may not be opened. */
export type Refusal =
  | "other_cluster"
  | "other_database"
  | "other_install"
  | "gone_back"
  | "went_another_way"
  | "replaced"
  | "retired";

/** What each means, for whoever runs it. */
export const REFUSALS: Readonly<Record<Refusal, string>> = {
  other_cluster: "this database began in another PostgreSQL: it was restored, copied or upgraded",
  other_database: "this database is a copy of another one in the same PostgreSQL",
  other_install: "this database belongs to another installation: INSTALL_ID is not the one that it began with",
  gone_back: "this database is older than it was: an older copy of it was put in its place",
  went_another_way: "this database and a copy of it have both gone on",
  replaced: "another database was adopted in the place of this one",
  retired: "this installation was retired: its sessions may be in use elsewhere",
};

/**
 * Whether a database is the one that it says to be, and has only gone on since it was seen. Null: it is.
 *
 * @param seen by this process, and by whoever wrote the marks outside
 */
export function judge(
  installation: Installation,
  here: Whereabouts,
  installId: string | null,
  seen: readonly Seen[],
): Refusal | null {
  if (installation.systemIdentifier !== here.systemIdentifier) return "other_cluster";
  if (installation.databaseOid !== here.databaseOid) return "other_database";
  if (installation.installId !== null && installation.installId !== installId) return "other_install";
  for (const mark of seen) {
    const refused = compare(installation, here, mark);
    if (refused) return refused;
  }
  return installation.retiringAt ? "retired" : null;
}

function compare(installation: Installation, here: Whereabouts, mark: Seen): Refusal | null {
  if (mark.id !== installation.id) return "replaced";
  if (installation.counter > mark.counter) return null;
  if (installation.counter === mark.counter && installation.nonce === mark.nonce) return null;
  const failedOver = mark.timeline !== null && here.timeline !== null && mark.timeline !== here.timeline;
  if (failedOver && installation.counter >= mark.counter - LOST_IN_FAILOVER) return null;
  return installation.counter === mark.counter ? "went_another_way" : "gone_back";
}
