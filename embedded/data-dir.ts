import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";

/** A data directory, and what tells it from every other one on this machine. */
export interface DataDir {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** For names of locks: a copy of the directory, or one made anew under the same name, has another. */
  readonly key: string;
}

/**
 * Makes the data directory where it is missing. Others may pass through it (PostgreSQL runs as a user of its own when
 * we are root), and read nothing in it.
 *
 * @throws OperatorError where it cannot be made or written
 */
export function openDataDir(path: string): DataDir {
  try {
    makeFolder(resolve(path, "logs"));
    const id = readOrCreate(join(path, "id"), () => randomBytes(8).toString("hex"));
    const { dev, ino } = statSync(path, { bigint: true });
    return { path: realpathSync(path), key: `${id}-${dev}-${ino}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    throw new OperatorError(`the data directory ${path} cannot be used (${code}): check its owner, or take another`, {
      cause: error,
    });
  }
}

/** Not `recursive`: under /proc, which refuses every name with ENOENT, Node would try again for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A small file that is written once, whole, readable by us alone; whoever comes second reads what the first one wrote. */
export function readOrCreate(file: string, content: () => string): string {
  const read = () => readFileSync(file, "utf8").trim();
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const partial = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(partial, `${content()}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  return read();
}

/** Where a log of that name goes. */
export const logFile = (dataDir: DataDir, name: string): string => join(dataDir.path, "logs", `${name}.log`);
