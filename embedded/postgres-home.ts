import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import { type DataDir, readOrCreate } from "./data-dir.ts";
import { copyBinaries, findPostgresBinaries, type PostgresBinaries } from "./postgres-binaries.ts";
import { canReach, firstReachable } from "./reach.ts";
import type { SystemUser } from "./system-user.ts";

/** Where root keeps what another user must reach, when the data directory or the clone is out of its reach. */
const ELSEWHERE = ["/var/lib", "/var/tmp"];

/** The cluster's folder and the programs to run it with, both within reach of `user`. */
export interface PostgresHome {
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
}

/**
 * Straight in the data directory, unless PostgreSQL's user cannot reach that (a clone under a home that is closed to
 * others): then beside, in a folder that the data directory's file `postgres-at` names from then on.
 *
 * @throws OperatorError where no place is within its reach, or the folder named has gone
 */
export function postgresHome(dataDir: DataDir, user: SystemUser | null): PostgresHome {
  const binaries = findPostgresBinaries();
  return {
    cluster: clusterOf(dataDir, user),
    binaries: user && !canReach(binaries.native, user) ? copyBinaries(binaries, elsewhere(user)) : binaries,
  };
}

function clusterOf(dataDir: DataDir, user: SystemUser | null): string {
  const note = join(dataDir.path, "postgres-at");
  const inside = join(dataDir.path, "postgres");
  if (!existsSync(note) && (existsSync(inside) || !user || canReach(dataDir.path, user))) {
    if (existsSync(inside) && user && !canReach(dataDir.path, user))
      throw new OperatorError(`${inside} cannot be reached by the user postgres: chmod o+x the folders above it`);
    return inside;
  }
  const folder = readOrCreate(note, () => {
    const made = join(user ? elsewhere(user) : dataDir.path, `data-${randomBytes(6).toString("hex")}`);
    mkdirSync(made, { recursive: true, mode: 0o711 });
    return made;
  });
  if (!existsSync(folder)) throw new OperatorError(`${folder} is gone, which holds this data directory's PostgreSQL`);
  return join(folder, "postgres");
}

function elsewhere(user: SystemUser): string {
  const base = firstReachable(ELSEWHERE, user);
  if (!base) throw new OperatorError(`none of ${ELSEWHERE.join(", ")} can be written: take another data directory`);
  const folder = join(base, "gramfleet");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // Programs are run from here: whoever made it first must have been us.
  const { uid, mode } = statSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0)
    throw new OperatorError(`${folder} belongs to somebody else, or others may write it: move it away`);
  return folder;
}
