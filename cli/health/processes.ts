import { type Presence, type Role, SILENT_AFTER_MS } from "../../queue/presence.ts";
import { count, duration, type Finding, together } from "./part.ts";

/** A scheduler scans every half a second. */
const SCAN_LATE_SECONDS = 30;

/** What is to be done where nothing of a role runs that should. */
const START: Readonly<Record<Role, string>> = {
  scheduler: "start one (gramfleet scheduler): nobody is parsed without",
  worker: "start one (gramfleet worker): nobody is parsed without",
  api: "start one (gramfleet api)",
  bot: "start one (gramfleet bot): people write, and nobody answers",
};

/**
 * The processes of one role.
 *
 * @param without what it means that none runs
 * @param more what else is to be said where all is well
 */
export function judgeProcesses(
  role: Role,
  presences: readonly Presence[],
  { without, more = [] }: { readonly without: "down" | "degraded" | "off"; readonly more?: readonly string[] },
): Finding {
  const ofRole = presences.filter((one) => one.role === role);
  const silent = ofRole.filter(({ ageMs }) => ageMs > SILENT_AFTER_MS);
  const alive = ofRole.filter(({ ageMs }) => ageMs <= SILENT_AFTER_MS);
  const findings: Finding[] = [];
  if (alive.length === 0)
    findings.push({ state: without, says: "none runs", ...(without === "off" ? {} : { todo: START[role] }) });
  if (silent.length > 0)
    findings.push({
      state: alive.length === 0 && without === "down" ? "down" : "degraded",
      says: silent.map((one) => `${nameOf(one)} is silent for ${duration(one.ageMs / 1_000)}`).join(", "),
      todo: "see its log: it hangs, is cut off from Redis, or died; what started it should start it again",
    });
  const late = alive.filter(({ facts }) => (facts.scannedSecondsAgo ?? 0) > SCAN_LATE_SECONDS);
  if (late.length > 0)
    findings.push({
      state: late.length === alive.length ? "down" : "degraded",
      says: late.map((one) => `${nameOf(one)} scanned ${duration(one.facts.scannedSecondsAgo ?? 0)} ago`).join(", "),
      todo: "see its log, and whether PostgreSQL and Redis answer",
    });
  if (findings.length > 0) return together(findings);
  return { state: "ok", says: [count(alive.length, `${role} runs`, `${role}s run`), ...more].join(", ") };
}

const nameOf = ({ host, pid }: Presence): string => `${host} (pid ${pid})`;
