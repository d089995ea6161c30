import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { SystemUser } from "./system-user.ts";

/** Whether `user` can pass through every folder down to `path`, by owner and mode. */
export function canReach(path: string, user: SystemUser): boolean {
  let folder = realpathSync(path);
  for (;;) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    const parent = dirname(folder);
    if (parent === folder) return true;
    folder = parent;
  }
}

/** The first of the folders that exists, is writable by us, and can be reached by `user`. */
export function firstReachable(folders: readonly string[], user: SystemUser | null): string | undefined {
  return folders.find((folder) => {
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return user === null || canReach(folder, user);
    } catch {
      return false;
    }
  });
}
