import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../runtime/operator-error.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";

/** Something only one process has. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * The right to run the whole of gramfleet on this data directory; it dies with the process that has it.
 *
 * @throws OperatorError where another process has it
 */
export async function lockDataDir(path: string): Promise<Lock> {
  const dataDir = openDataDir(path);
  const lock = await tryLock(dataDir, "up");
  if (!lock)
    throw new OperatorError(`another gramfleet runs in ${dataDir.path}: stop it first, or take another data directory`);
  return lock;
}

/**
 * Takes the lock `name` of the data directory; null where another process has it. A bound unix socket: the kernel
 * lets go of it when its process ends, however it ends.
 */
export async function tryLock(dataDir: DataDir, name: string): Promise<Lock | null> {
  const digest = createHash("sha256").update(`${dataDir.key}/${name}`).digest("hex").slice(0, 24);
  // Linux's abstract names leave nothing behind. Elsewhere a file stays, which is dead when nobody answers on it.
  const abstract = process.platform === "linux";
  const address = abstract ? `\0gramfleet-${digest}` : join(tmpdir(), `gramfleet-${digest}.lock`);
  let server = await bind(address);
  if (!server && !abstract && !(await isAlive(address))) {
    rmSync(address, { force: true });
    server = await bind(address);
  }
  if (!server) return null;
  const bound = server;
  bound.unref();
  return { release: () => new Promise((resolve) => bound.close(() => resolve())) };
}

function bind(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(null) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

function isAlive(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(address);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}
