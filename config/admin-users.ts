import { createHash } from "node:crypto";
import { z } from "zod";

/** What somebody may do at the queues' board: look, or act on jobs too. */
export type BoardRole = "viewer" | "admin";

/** Who signs in at the queues' board with a password. */
export interface BoardUser {
  readonly name: string;
  readonly role: BoardRole;
  /** The password, by scrypt. */
  readonly hash: {
    readonly logN: number;
    readonly r: number;
    readonly p: number;
    readonly salt: Buffer;
    readonly key: Buffer;
  };
  /** Another one for another password or role: who signed in by an earlier one has to do so again. */
  readonly version: Buffer;
}

const FORM = "must be Telegram ids, or name:role:hash as gramfleet admin hash-password makes it, separated by commas";
const TELEGRAM_ID = /^[1-9]\d{0,15}$/;
/** As far as 128 MiB for a sign-in. */
const USER = /^([A-Za-z][\w.-]{0,31}):(viewer|admin):scrypt\.(1[4-7])\.(8)\.([1-9])\.([\w-]{22})\.([\w-]{43})$/;

/** Telegram ids, and people with passwords. What is wrong with an entry is said without any of it. */
export const adminUsers = z.string().transform((text, context) => {
  const telegramIds = new Set<bigint>();
  const boardUsers: BoardUser[] = [];
  for (const entry of text.split(",").map((part) => part.trim())) {
    const user = TELEGRAM_ID.test(entry) ? null : boardUserOf(entry);
    if (user === null) telegramIds.add(BigInt(entry));
    else if (user === "malformed") context.addIssue({ code: "custom", message: FORM });
    else if (boardUsers.some(({ name }) => name.toLowerCase() === user.name.toLowerCase()))
      context.addIssue({ code: "custom", message: "must not repeat a name" });
    else boardUsers.push(user);
  }
  return { telegramIds, boardUsers };
});

function boardUserOf(entry: string): BoardUser | "malformed" {
  const [, name = "", role, logN, r, p, salt = "", key = ""] = USER.exec(entry) ?? [];
  if (role === undefined) return "malformed";
  return {
    name,
    role: role as BoardRole,
    hash: {
      ...{ logN: Number(logN), r: Number(r), p: Number(p) },
      salt: Buffer.from(salt, "base64url"),
      key: Buffer.from(key, "base64url"),
    },
    version: createHash("sha256").update(entry).digest(),
  };
}
