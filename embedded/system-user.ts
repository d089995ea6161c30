import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { OperatorError } from "../runtime/operator-error.ts";

/** Whom a child process runs as. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const NAME = "postgres";

/**
 * The account that PostgreSQL runs as: null where that is our own. PostgreSQL refuses to run as root, so root hands it
 * to the system user `postgres`, which is created where there is none.
 *
 * @throws OperatorError with the command to type where it cannot be created
 */
export function postgresUser(): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  const known = lookUp();
  if (known) return known;
  const command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME];
  try {
    execFileSync(command[0]!, command.slice(1), { stdio: "ignore" });
  } catch {
    throw new OperatorError(`PostgreSQL does not run as root, and its user cannot be created: ${command.join(" ")}`);
  }
  const created = lookUp();
  if (!created) throw new OperatorError(`PostgreSQL does not run as root, and there is no user ${NAME}`);
  return created;
}

function lookUp(): SystemUser | null {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${NAME}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}
