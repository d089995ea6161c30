import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type DataDir, readOrCreate } from "./data-dir.ts";

export const keyringFile = (dataDir: DataDir): string => join(dataDir.path, "keyring");

/** The data directory's own `SESSION_ENCRYPTION_KEYS`: made once, readable by its owner alone. Secret. */
export function embeddedKeyring(dataDir: DataDir): string {
  return readOrCreate(keyringFile(dataDir), () => `embedded:${randomBytes(32).toString("base64")}`);
}
