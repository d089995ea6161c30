import type { ApiIdInUse } from "../../db/api-ids.ts";
import type { ScheduleFacts, SessionFacts } from "../../db/health.ts";
import type { LedgerTotals } from "../../db/ledger-totals.ts";
import type { QueueCounts } from "../../queue/producer.ts";
import type { ApiIdPause } from "../../telegram/limiter/read-pauses.ts";
import { when } from "../table.ts";
import { count, duration, type Finding, together } from "./part.ts";

/** Every interval of a plan is longer. */
const VERY_LATE_SECONDS = 600;

export function judgeSchedule(facts: ScheduleFacts): Finding {
  const { schedulable, late, worstLagSeconds } = facts;
  if (schedulable === 0) return { state: "ok", says: "nobody can be parsed yet: no session is usable" };
  if (late === 0)
    return {
      state: "ok",
      says: `${count(schedulable, "user")} on time, ${facts.due} due, ${facts.underWay} taken up`,
    };
  const most = late * 2 >= schedulable && worstLagSeconds > VERY_LATE_SECONDS;
  return {
    state: most ? "down" : "degraded",
    says: `${late} of ${count(schedulable, "user")} late, by up to ${duration(worstLagSeconds)}`,
    todo: "see the schedulers, workers and queues here; where all of them are ok, start more workers (docs/scaling.md)",
  };
}

export function judgeQueues(queues: readonly (QueueCounts & { readonly waitsUntil: Date | null })[]): Finding {
  const findings = queues.flatMap((one): Finding[] => [
    ...(one.paused
      ? [
          {
            state: "degraded",
            says: `${one.queue} is paused, ${count(one.waiting, "job")} in it`,
            todo: `gramfleet queue resume ${one.queue}`,
          } as const,
        ]
      : []),
    ...(one.waitsUntil
      ? [
          {
            state: "degraded",
            says: `${one.queue} waits for Telegram until ${when(one.waitsUntil)}`,
            todo: "nothing: it goes on by itself (gramfleet waits)",
          } as const,
        ]
      : []),
    ...(one.parked > 0
      ? [
          {
            state: "degraded",
            says: `${one.queue} has ${count(one.parked, "job")} that ended the worker each time`,
            todo: 'see "job parked" in the workers\' log',
          } as const,
        ]
      : []),
  ]);
  if (findings.length > 0) return together(findings);
  const sum = (of: (one: QueueCounts) => number) => queues.reduce((total, one) => total + of(one), 0);
  return {
    state: "ok",
    says: `${count(queues.length, "queue")}, ${sum((one) => one.waiting)} waiting, ${sum((one) => one.active)} active, ${sum((one) => one.delayed)} delayed, ${sum((one) => one.failed)} failed`,
  };
}

/** @param configured the master API IDs, where this machine knows them */
export function judgeApiIds(inUse: readonly ApiIdInUse[], configured: readonly number[]): Finding {
  const known = [...new Set([...configured, ...inUse.map(({ apiId }) => apiId)])];
  if (known.length === 0) return { state: "off", says: "none is configured here, and no session has one" };
  const inDanger = inUse.filter(losesAccounts).map(
    ({ apiId, frozenLately, bannedLately }): Finding => ({
      state: "degraded",
      says: `Telegram took accounts of ${apiId} within a day: ${frozenLately} frozen, ${bannedLately} banned`,
      todo: `gramfleet api-ids drain ${apiId}, and docs/api-ids.md: an API ID that loses accounts is in danger`,
    }),
  );
  const missing = inUse
    .filter(({ unconfiguredAt, retiredAt }) => unconfiguredAt && !retiredAt)
    .map(
      ({ apiId, held }): Finding => ({
        state: "degraded",
        says: `${apiId} is not configured, ${count(held, "session")} held`,
        todo: `put ${apiId} back into MASTER_API_IDS, or gramfleet api-ids retire ${apiId}`,
      }),
    );
  const out = inUse.filter(({ outOfServiceAt, retiredAt }) => outOfServiceAt !== null && retiredAt === null);
  const findings = [...(out.length > 0 ? [refused(out, known)] : []), ...missing, ...inDanger];
  return findings.length > 0
    ? together(findings)
    : { state: "ok", says: `${count(known.length, "API ID")} in service` };
}

/** As the alert ApiIdInDanger says it. */
const losesAccounts = ({ sessions, frozenLately, bannedLately }: ApiIdInUse): boolean =>
  frozenLately + bannedLately >= 3 && frozenLately + bannedLately > 0.05 * (sessions + bannedLately);

function refused(out: readonly ApiIdInUse[], known: readonly number[]): Finding {
  return {
    state: known.every((apiId) => out.some((one) => one.apiId === apiId)) ? "down" : "degraded",
    says: out
      .map(({ apiId, reason, held }) => `${apiId} is refused by Telegram (${reason}), ${count(held, "session")} held`)
      .join("; "),
    todo: `see my.telegram.org; one account tries it again by itself, or at once: ${out.map(({ apiId }) => `gramfleet api-ids resume ${apiId}`).join(", ")}`,
  };
}

export function judgeSessions(facts: SessionFacts): Finding {
  const { usable, stale, pending, held, endedLately } = facts;
  const heldInAll = Object.values(held).reduce((sum, number) => sum + number, 0);
  const findings: Finding[] = [];
  if (held.owner_mismatch)
    findings.push({
      state: "degraded",
      says: `${count(held.owner_mismatch, "session")} opened another's account, and is held`,
      todo: "a security alarm: gramfleet sessions list, and find out who wrote that row",
    });
  if (endedLately >= Math.max(3, 0.05 * usable))
    findings.push({
      state: "degraded",
      says: `Telegram ended ${count(endedLately, "session")} within an hour`,
      todo: "gramfleet sessions list shows why; AUTH_KEY_DUPLICATED: another system uses the same keys, stop it",
    });
  if (heldInAll > 0.05 * (usable + heldInAll) && heldInAll > (held.owner_mismatch ?? 0))
    findings.push({
      state: "degraded",
      says: `held: ${Object.entries(held)
        .map(([hold, number]) => `${number} ${hold}`)
        .join(", ")}`,
      todo: "gramfleet sessions list; once the reason is gone: gramfleet sessions release <telegram_id>",
    });
  if (findings.length > 0) return together(findings);
  return {
    state: "ok",
    says: `${usable} usable, ${stale} ended, ${pending} logging in, ${heldInAll} held, ${facts.leased} in use now`,
  };
}

/** @param keyring the ids of the keys that are given here */
export function judgeKeyring(facts: SessionFacts, keyring: readonly string[]): Finding {
  if (keyring.length === 0) return { state: "off", says: "SESSION_ENCRYPTION_KEYS is not set here: not looked at" };
  const missing = Object.entries(facts.keys).filter(([id]) => !keyring.includes(id));
  if (missing.length === 0)
    return { state: "ok", says: `${count(keyring.length, "key")}, and every session's among them` };
  return {
    state: "down",
    says: missing
      .map(([id, number]) => `${count(number, "session is", "sessions are")} sealed by key ${id}`)
      .join(", "),
    todo: "give that key too in SESSION_ENCRYPTION_KEYS: nothing else opens them",
  };
}

export function judgeWaits(
  waiting: { readonly accounts: number; readonly long: number },
  pauses: readonly ApiIdPause[],
  usable: number,
): Finding {
  const findings: Finding[] = pauses.map(({ apiId, method, until }) => ({
    state: "degraded",
    says: `API ID ${apiId}: ${method ?? "everything"} paused ${until ? `until ${when(until)}` : "until one account has tried it"}`,
    todo: "nothing: it goes on by itself; where it comes back, fewer calls (API_CALLS_PER_SECOND) or more API IDs",
  }));
  if (waiting.long > 0.1 * Math.max(usable, 1))
    findings.push({
      state: "degraded",
      says: `${waiting.long} of ${usable} accounts have to wait long`,
      todo: "gramfleet waits shows for what and until when; they go on by themselves",
    });
  if (findings.length > 0) return together(findings);
  return {
    state: "ok",
    says:
      waiting.accounts === 0
        ? "no account waits"
        : `${count(waiting.accounts, "account waits", "accounts wait")}, ${waiting.long} of them long`,
  };
}

/** @param tooOldSeconds a gap that has been open for longer does not close by itself */
export function judgeCompleteness(totals: LedgerTotals, tooOldSeconds: number): Finding {
  const { incomplete, missing, unverified, oldestGapSeconds } = totals;
  if (incomplete === 0) return { state: "ok", says: "nothing is missing, nothing unverified" };
  const says = `${count(incomplete, "channel")} incomplete for up to ${duration(oldestGapSeconds)}: ${missing} ids missing, ${unverified} unverified`;
  if (oldestGapSeconds <= tooOldSeconds) return { state: "ok", says };
  return {
    state: "degraded",
    says,
    todo: "gramfleet channels list --gaps shows which; see the workers' log for their backfill",
  };
}
