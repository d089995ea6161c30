import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** What an emulated world is made from. Another choice is another world, with a database of its own. */
export interface WorldChoice {
  readonly users: number;
  readonly channels: number;
  /** Telegram Desktop exports and TL dictionaries; absolute paths. */
  readonly files: readonly string[];
}

/** The world that a data directory is working with: what `up` last started. */
export interface CurrentWorld {
  readonly name: string;
  /** The database in the embedded PostgreSQL. */
  readonly database: string;
  /** The emulator's journal, keys and sockets. */
  readonly dir: string;
  /** What the processes of this world are told, beyond the embedded services: API IDs, data centers, pace. No secrets of people. */
  readonly env: Readonly<Record<string, string>>;
}

export const DEFAULT_DATABASE = "gramfleet";

/** Names a world after its choice, so that the same choice finds the same world again. */
export function worldOf(dataDir: string, choice: WorldChoice): Omit<CurrentWorld, "env"> {
  const digest = createHash("sha256").update(JSON.stringify(choice)).digest("hex").slice(0, 10);
  const name = `world-${choice.users}u-${choice.files.length > 0 ? "files" : `${choice.channels}c`}-${digest}`;
  return { name, database: `${DEFAULT_DATABASE}_${digest}`, dir: join(resolve(dataDir), "worlds", name) };
}

const currentFile = (dataDir: string) => join(resolve(dataDir), "current.json");

/** The world that other commands join, null where `up` has not run here. */
export function readCurrentWorld(dataDir: string): CurrentWorld | null {
  try {
    return JSON.parse(readFileSync(currentFile(dataDir), "utf8")) as CurrentWorld;
  } catch {
    return null;
  }
}

export function writeCurrentWorld(dataDir: string, world: CurrentWorld): void {
  mkdirSync(resolve(dataDir), { recursive: true, mode: 0o700 });
  const file = currentFile(dataDir);
  writeFileSync(`${file}.new`, `${JSON.stringify(world, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
