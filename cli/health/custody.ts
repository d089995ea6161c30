import type { BackupsSoFar } from "../../db/session-backups.ts";
import type { Inspected } from "../../telegram/installation/inspect.ts";
import { REFUSALS } from "../../telegram/installation/judge.ts";
import { when } from "../table.ts";
import { count, duration, type Finding, together } from "./part.ts";

/** Whether the database is this installation's own. */
export function judgeInstallation({ installation, refused }: Inspected, installId: string | null): Finding {
  if (!installation) return { state: "ok", says: "none has begun in this database: the first process begins one" };
  if (refused === "retired")
    return {
      state: "down",
      says: REFUSALS.retired,
      todo: "work with the new installation, and leave this one as it is",
    };
  if (refused)
    return {
      state: "down",
      says: `${REFUSALS[refused]}; no session is opened`,
      todo: "docs/backup-and-restore.md, then gramfleet adopt",
    };
  const since = `ours since ${when(installation.begunAt)}`;
  if (installation.installId === null && installId !== null)
    return { state: "degraded", says: `${since}, without its INSTALL_ID`, todo: "gramfleet adopt writes it there" };
  return { state: "ok", says: installation.installId === null ? `${since}, without a name (INSTALL_ID)` : since };
}

/** Longer than this, in intervals, without a good one is too long. */
const LATE = 1.1;

export function judgeBackups(
  { newest, failure }: BackupsSoFar,
  { scheduled, everyMs, now }: { readonly scheduled: boolean; readonly everyMs: number; readonly now: Date },
): Finding {
  const findings: Finding[] = [];
  const age = newest ? (now.getTime() - newest.endedAt.getTime()) / 1_000 : Number.POSITIVE_INFINITY;
  if (failure)
    findings.push({
      state: "degraded",
      says: `the last one failed on ${failure.host} at ${when(failure.endedAt)}: ${failure.error}`,
      todo: "docs/runbooks/BackupTooOld.md",
    });
  const made = newest
    ? `${count(newest.sessions, "session")} ${duration(age)} ago on ${newest.host}`
    : "none was made yet";
  if (!scheduled)
    return { state: "off", says: newest ? `by hand: ${made}` : "not made by gramfleet (ENABLE_SESSION_BACKUP)" };
  if (newest && age > (everyMs * LATE) / 1_000)
    findings.push({ state: "degraded", says: `the newest is old: ${made}`, todo: "docs/runbooks/BackupTooOld.md" });
  return findings.length > 0 ? together(findings) : { state: "ok", says: made };
}
