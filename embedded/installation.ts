import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DataDir } from "./data-dir.ts";

/**
 * `INSTALL_ID` and `INSTALL_MARK_DIR` of a data directory: a copy of it is another installation, it itself under another
 * name, or after a restart, is the same. Told apart by the inode of its file `id`, which a copy does not have; a snapshot
 * of the whole disk does.
 */
export function embeddedInstallation({ path, key }: DataDir): { INSTALL_ID: string; INSTALL_MARK_DIR: string } {
  const [id = ""] = key.split("-");
  const { ino } = statSync(join(path, "id"), { bigint: true });
  const digest = createHash("sha256").update(`${id} ${ino}`).digest("hex").slice(0, 16);
  return { INSTALL_ID: `embedded-${digest}`, INSTALL_MARK_DIR: join(path, "marks") };
}
