import { randomUUID } from "node:crypto";
import type { Database, LeaseRef, WorkerTx } from "../db/database.ts";
import { EVERYWHERE } from "../db/installation.ts";
import {
  deleteLease,
  type Heartbeat,
  insertLease,
  type LeaseRow,
  listLeases,
  openHeartbeat,
  takeOverLease,
} from "../db/leases.ts";
import { revokedAmong } from "../db/revocations.ts";
import { readTimeline } from "../db/server.ts";
import type { Clock } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { sleep } from "../runtime/sleep.ts";
import type { InstallationGuard } from "./installation.ts";
import { momentOf } from "./lease/deadline.ts";
import { HeldLease, type Lease, type LeaseKeeper } from "./lease/held-lease.ts";
import { createWatch } from "./lease/watch.ts";

export type { Lease } from "./lease/held-lease.ts";

export interface LeaseTimes {
  /** How long a lease lives without a heartbeat. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How long after a lease's end nobody sends anything. */
  readonly quietMs: number;
}

export interface Leases {
  /**
   * Null where another holds it, or may still hold it. One that is taken to revoke the session stays when the session is
   * to be revoked; every other is lost then.
   *
   * @throws what PostgreSQL throws
   */
  acquire(sessionId: bigint, options?: { readonly toRevoke?: boolean }): Promise<Lease | null>;
  /** Loses those of our leases whose sessions are to be revoked. Done at each look of the watch, too. */
  heedRevocations(): Promise<void>;
  /** How many this process holds. */
  readonly size: number;
  /** Ends heartbeat and watch. Whoever holds a lease releases it first; what is left is lost, and its gate closed. */
  close(): Promise<void>;
}

/**
 * The leases of one process: one heartbeat renews all of them, one watch looks at everybody's.
 *
 * A lease is taken by insert, or, where its holder vanished, by a process that has itself watched the same
 * (token, beat) stand still for lease + quiet time. No wall clock decides.
 */
export function createLeases(options: {
  database: Database;
  /** The heartbeat has a connection of its own, so that a busy pool delays no beat. */
  heartbeatUrl: string;
  times: LeaseTimes;
  clock: Clock;
  /** Whether the database is ours at all; where it is not given, it is. */
  installation?: Pick<InstallationGuard, "condition" | "looked"> | undefined;
  /** Who we are, for operators: host and process. */
  holder: string;
  metrics: Pick<Metrics, "lockAcquired" | "lockFailed" | "lockLost">;
  log: Log;
  /**
   * What fault tests take away, which must be seen to fail then: exclusiveness, the holder's own deadline, that a session
   * which is to be revoked is let go.
   */
  without?: { has(protection: "lease" | "gate" | "installation" | "revocation"): boolean } | undefined;
}): Leases {
  const { database, installation, times, clock, holder, metrics, log, without } = options;
  const watch = createWatch(times.leaseMs + times.quietMs);
  const held = new Map<bigint, HeldLease>();
  const asked = new Set<bigint>();
  /** Rows that may be ours in PostgreSQL although nobody uses them: deleted as soon as it answers. */
  const unreleased = new Map<string, LeaseRef>();
  let heartbeat: Heartbeat | null = null;
  let tellsTimeline: boolean | null = null;
  let closed = false;

  /** Null in a database that is not ours. */
  const here = () => (installation ? installation.condition() : EVERYWHERE);

  async function noteTimeline(tx: WorkerTx): Promise<void> {
    if (tellsTimeline) watch.timeline(await readTimeline(tx), clock.monotonic());
  }

  async function probeTimeline(): Promise<void> {
    if (tellsTimeline !== null) return;
    try {
      watch.timeline(await database.once(readTimeline), clock.monotonic());
      tellsTimeline = true;
    } catch (error) {
      await database.check();
      tellsTimeline = false;
      log.warn({ err: error }, "PostgreSQL does not tell its timeline: a failover will not be noticed");
    }
  }

  /** A job's end waits for this: where PostgreSQL is cut off, nothing answers and nothing fails either. */
  const deleteSoon = (ref: LeaseRef) =>
    withDeadline(
      "releasing a lease",
      times.heartbeatMs,
      database.once((tx) => deleteLease(tx, ref)),
    );

  async function giveBack(lease: HeldLease): Promise<void> {
    try {
      await deleteSoon(lease.ref);
    } catch (error) {
      unreleased.set(lease.ref.token, lease.ref);
      log.warn({ err: error, session_id: String(lease.ref.sessionId) }, "lease not released yet");
    } finally {
      held.delete(lease.ref.sessionId);
    }
  }

  const keeper: LeaseKeeper = {
    giveBack,
    lost() {
      if (!closed) metrics.lockLost.inc();
    },
  };

  async function deleteUnreleased(): Promise<void> {
    for (const ref of [...unreleased.values()]) {
      await deleteSoon(ref);
      unreleased.delete(ref.token);
    }
  }

  async function renewAll(): Promise<void> {
    const renewing = [...held.values()].filter((lease) => lease.held);
    if (renewing.length === 0) return;
    heartbeat ??= await openHeartbeat({ url: options.heartbeatUrl, timeoutMs: Math.ceil(times.heartbeatMs / 3) });
    const sentAt = momentOf(clock);
    const condition = here();
    const beaten = condition
      ? await heartbeat.beat(
          renewing.map((lease) => lease.ref),
          condition,
        )
      : [];
    const ours = new Set(beaten.map((ref) => ref.token));
    for (const lease of renewing) {
      if (ours.has(lease.ref.token)) lease.renew(sentAt);
      else if (lease.held) {
        lease.lose("its row is not ours any more");
        log.error({ session_id: String(lease.ref.sessionId) }, "lease lost");
      }
    }
  }

  const beating = startLoop({
    name: "lease heartbeat",
    everyMs: times.heartbeatMs,
    log,
    async turn(signal) {
      try {
        await renewAll();
        return "rest";
      } catch (error) {
        log.warn({ err: error, leases: held.size }, "heartbeat failed");
        await sleep(times.heartbeatMs / 5, signal);
        return "again";
      }
    },
  });

  // Apart from the heartbeat, which no busy pool may delay.
  const releasing = startLoop({
    name: "lease release",
    everyMs: times.heartbeatMs,
    log,
    async turn() {
      await deleteUnreleased();
      return "rest";
    },
  });

  async function heedRevocations(): Promise<void> {
    if (without?.has("revocation")) return;
    const inUse = [...held.values()].filter((lease) => lease.held && !lease.toRevoke);
    if (inUse.length === 0) return;
    const ids = inUse.map((lease) => lease.ref.sessionId);
    const asking = database.once((tx) => revokedAmong(tx, ids));
    const revoked = new Set(await withDeadline("looking for revocations", times.heartbeatMs, asking));
    for (const lease of inUse) {
      if (!lease.held || !revoked.has(lease.ref.sessionId)) continue;
      lease.lose("its session is to be revoked");
      log.info({ session_id: String(lease.ref.sessionId) }, "lease given up: the session is to be revoked");
    }
  }

  const watching = startLoop({
    name: "lease watch",
    everyMs: times.heartbeatMs / 2,
    log,
    async turn() {
      await probeTimeline();
      const rows = await database.asWorker(async (tx) => {
        await noteTimeline(tx);
        return listLeases(tx);
      });
      watch.observe(rows, clock.monotonic());
      await heedRevocations();
      return "rest";
    },
  });

  /**
   * One statement, which comes to nothing after a failover that the watch has not noticed yet, and in another database than
   * ours, wherever its name leads to by now.
   */
  async function take(ref: LeaseRef): Promise<"inserted" | LeaseRow | null> {
    const condition = here();
    if (!condition || !watch.mayTake(clock.monotonic())) return null;
    if (await database.once((tx) => insertLease(tx, { ...ref, holder }, watch.currentTimeline, condition)))
      return "inserted";
    if (without?.has("lease")) return seize(ref);
    return watch.standingStill(ref.sessionId, clock.monotonic()) ? takeOver(ref) : null;
  }

  /** Asks nobody. */
  async function seize(ref: LeaseRef): Promise<LeaseRow | null> {
    return database.asWorker(async (tx) => {
      const row = (await listLeases(tx)).find((each) => each.sessionId === ref.sessionId);
      return row && (await takeOverLease(tx, row, { token: ref.token, holder })) ? row : null;
    });
  }

  async function takeOver(ref: LeaseRef): Promise<LeaseRow | null> {
    return database.asWorker(async (tx) => {
      await noteTimeline(tx);
      const now = clock.monotonic();
      const still = watch.mayTake(now) ? watch.standingStill(ref.sessionId, now) : null;
      const condition = here();
      if (!still || !condition) return null;
      return (await takeOverLease(tx, still, { token: ref.token, holder }, condition)) ? still : null;
    });
  }

  const whyNot = () => {
    if (!here()) return "installation";
    return watch.mayTake(clock.monotonic()) ? "held" : "failover";
  };

  const refused = (reason: "held" | "busy" | "failover" | "installation" | "closing" | "error"): null => {
    metrics.lockFailed.inc({ reason });
    return null;
  };

  return {
    heedRevocations,
    async acquire(sessionId, { toRevoke = false } = {}) {
      if (closed) return refused("closing");
      if (held.has(sessionId) || asked.has(sessionId)) return refused("busy");
      asked.add(sessionId);
      const ref = { sessionId, token: randomUUID() };
      try {
        await installation?.looked;
        await probeTimeline();
        const takenAt = momentOf(clock);
        const taken = await take(ref);
        if (taken === null) return refused(whyNot());
        if (taken !== "inserted")
          log.warn({ session_id: String(sessionId), from: taken.holder }, "lease of a vanished holder taken over");
        const leaseMs = without?.has("gate") ? Number.POSITIVE_INFINITY : times.leaseMs;
        const lease = new HeldLease({ ref, takenAt, leaseMs, clock, keeper, toRevoke });
        held.set(sessionId, lease);
        if (!closed) {
          metrics.lockAcquired.inc();
          return lease;
        }
        await lease.release();
        return refused("closing");
      } catch (error) {
        refused("error");
        // The commit may have reached PostgreSQL although its answer did not reach us.
        unreleased.set(ref.token, ref);
        throw error;
      } finally {
        asked.delete(sessionId);
      }
    },
    get size() {
      return held.size;
    },
    async close() {
      closed = true;
      await Promise.all([beating.stop(), watching.stop()]);
      for (const lease of held.values()) lease.lose("the process ends");
      await withDeadline("releasing leases", times.heartbeatMs, releasing.stop().then(deleteUnreleased)).catch(
        (error) => log.warn({ err: error }, "leases left to be taken over"),
      );
      await heartbeat?.close().catch(() => undefined);
    },
  };
}
