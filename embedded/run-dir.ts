import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import type { DataDir } from "./data-dir.ts";
import { firstReachable } from "./reach.ts";
import type { SystemUser } from "./system-user.ts";

/**
 * Where the sockets are: a short path (the kernel takes 107 bytes, and a data directory may lie deep), made by the
 * supervisor, which writes its name into the data directory for everybody else to find.
 */
export interface RunDir {
  readonly path: string;
  readonly supervisorSocket: string;
  readonly redisSocket: string;
  readonly postgresDir: string;
}

/** `/gramfleet-XXXXXX/pg/.s.PGSQL.5432.lock` must still fit. */
const LONGEST_BASE = 60;

/** The run directory as the last supervisor wrote it down; null where there is none. */
export function findRunDir(dataDir: DataDir): RunDir | null {
  try {
    return layout(readFileSync(noteOf(dataDir), "utf8").trim());
  } catch {
    return null;
  }
}

/** The one a dead supervisor left, since its servers may still listen there; else a new one. For the lock's holder. */
export function makeRunDir(dataDir: DataDir, user: SystemUser | null): RunDir {
  const left = findRunDir(dataDir);
  if (left && existsSync(left.postgresDir) && existsSync(join(left.path, "own"))) return left;
  const bases = [tmpdir(), "/tmp", "/var/tmp"].filter((base) => Buffer.byteLength(base) <= LONGEST_BASE);
  const base = firstReachable(bases, user);
  if (!base) throw new OperatorError("no folder for temporary files can be written: set TMPDIR to one");
  const run = layout(mkdtempSync(join(base, "gramfleet-")));
  if (user) chmodSync(run.path, 0o711);
  mkdirSync(join(run.path, "own"), { mode: 0o700 });
  mkdirSync(run.postgresDir, { mode: 0o700 });
  if (user) chownSync(run.postgresDir, user.uid, user.gid);
  writeFileSync(noteOf(dataDir), `${run.path}\n`, { mode: 0o600 });
  return run;
}

export function removeRunDir(dataDir: DataDir, run: RunDir): void {
  rmSync(noteOf(dataDir), { force: true });
  rmSync(run.path, { recursive: true, force: true });
}

const noteOf = (dataDir: DataDir): string => join(dataDir.path, "run");

const layout = (path: string): RunDir => ({
  path,
  supervisorSocket: join(path, "own", "supervisor.sock"),
  redisSocket: join(path, "own", "redis.sock"),
  postgresDir: join(path, "pg"),
});
