import type { SessionThere } from "../db/restored-accounts.ts";
import type { ArchivedSession } from "./records.ts";

/** Why a session of an archive is left out. */
export type SkipReason =
  | "there already"
  | "newer here"
  | "in use"
  | "another session of the account"
  | "another account";

/**
 * Whether a session may take the place of what is there. What is newer here stays: a key that was saved later, and a
 * session that something has happened to since, such as its owner's logging out.
 *
 * @param force takes the place of what is newer; never of what is in use, or somebody else's
 */
export function mayRestore(
  archived: Pick<ArchivedSession, "telegramId" | "sealed" | "savedAt" | "stateChangedAt">,
  there: SessionThere | null,
  how: { readonly userId: bigint; readonly elsewhere: boolean; readonly force: boolean },
): "restore" | SkipReason {
  if (there && (there.telegramId !== archived.telegramId || there.userId !== how.userId)) return "another account";
  if (there?.fingerprint?.equals(archived.sealed.fingerprint)) return "there already";
  if (there?.leased) return "in use";
  if (how.elsewhere) return "another session of the account";
  if (!there || how.force) return "restore";
  // What a restore has brought and nobody has used since is as old as it was when it was saved.
  const untouched = there.holds.includes("parked");
  const last = (of: { savedAt: Date | null; stateChangedAt: Date }, saved: boolean) =>
    Math.max(of.savedAt?.getTime() ?? 0, saved ? 0 : of.stateChangedAt.getTime());
  return last(there, untouched) >= last(archived, untouched) ? "newer here" : "restore";
}
