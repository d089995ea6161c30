import { type Database, LeaseGone } from "../db/database.ts";
import { loadOpening } from "../db/opening.ts";
import { ownApiIdOfSession } from "../db/own-api-ids.ts";
import type { SessionHold } from "../db/schema.ts";
import { loadSession, noteSessionUse, type SealedSession, type SessionInfo, setHold } from "../db/sessions.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { span } from "../runtime/tracing.ts";
import { type Accounts, LeaseHeld, type OpenAccount, type Purpose, SessionUnusable } from "./account.ts";
import { createEndings } from "./accounts/endings.ts";
import { ApiIdOut } from "./api-ids/breakers.ts";
import type { ApiIdService } from "./api-ids.ts";
import { type AccountPolicy, createCallPolicy, type FloodOptions } from "./call-policy.ts";
import type { Connect, ConnectionTimes, DataCenterAddresses, TelegramConnection } from "./connection.ts";
import { FloodWait, LeaseLost, Transient, WaitRunning } from "./errors.ts";
import type { Lease, Leases } from "./lease.ts";
import type { Limiter } from "./limiter.ts";
import { type Gate, OPENING_METHOD } from "./policy.ts";
import { formatOf } from "./session-format.ts";
import type { Vault } from "./vault.ts";
import type { WaitLedger } from "./waits.ts";

export interface AccountsOptions {
  readonly database: Database;
  readonly leases: Leases;
  readonly vault: Vault;
  readonly connect: Connect;
  readonly limiter: Limiter;
  readonly waits: WaitLedger;
  readonly apiIds: ApiIdService;
  /** Null for an API ID that is not configured here. */
  readonly apiHashOf: (apiId: number) => string | null;
  readonly dataCenters: DataCenterAddresses | null;
  readonly times: ConnectionTimes;
  readonly flood: FloodOptions;
  readonly callsInFlight: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** `try`: to see whether its API ID is taken again. */
type OpenedFor = Purpose | "try";

/** Holds that do not keep a session from being opened: what it is opened for is what they are about. */
const PASSED: Readonly<Record<OpenedFor, readonly SessionHold[]>> = {
  use: [],
  look: [],
  revoke: ["revoking", "frozen"],
  try: ["api_id_out"],
};

/** How exact the last use of a session is. */
const USE_NOTED_MS = 86_400_000;

/** A session as it is read under its lease. */
interface Readable {
  readonly session: SessionInfo;
  readonly sealed: SealedSession;
  readonly apiHash: string;
}

/** Opens accounts: lease, vault, connection, owner check, work, and all of it closed again in the right order. */
export function createAccounts(options: AccountsOptions): Accounts {
  const { database, leases, vault, limiter, waits, apiIds, flood, metrics, clock, log } = options;
  const isOurs = (apiId: number) => options.apiHashOf(apiId) !== null;
  const endings = createEndings({ database, apiIds, isOurs, metrics, log });
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  let size = 0;

  function usable(session: SessionInfo | null, purpose: OpenedFor): SessionInfo {
    if (!session) throw new SessionUnusable("unknown");
    if (session.state !== "AUTHORIZED") throw new SessionUnusable(session.state);
    const hold = session.holds.find((each) => !PASSED[purpose].includes(each));
    if (hold) throw new SessionUnusable(hold);
    return session;
  }

  /** Waits that may be waited in place are left to the policy; so is a pause that only Redis knows of yet. */
  function refuseWhileWaiting({ telegramId, apiId }: SessionInfo, needs: readonly string[]): void {
    const isLong = (until: Date) => until.getTime() - clock.now() > flood.inlineMaxSeconds * 1000;
    const paused = limiter.paused(apiId);
    if (paused && isLong(paused)) throw new WaitRunning(OPENING_METHOD, paused, "api_id");
    for (const method of [OPENING_METHOD, ...needs]) {
      const wait = waits.check(telegramId, method);
      if (wait && isLong(wait.until)) throw new WaitRunning(method, wait.until, wait.scope);
      const held = flood.scope === "auto" ? limiter.methods.check(apiId, method) : null;
      if (held && isLong(held)) throw new WaitRunning(method, held, "api_method");
    }
  }

  /** Under the lease: whoever held it before has written down what it knew. */
  async function read(sessionId: bigint, purpose: OpenedFor): Promise<Readable> {
    const found = await database.once((tx) => loadOpening(tx, sessionId));
    const session = usable(found?.session ?? null, purpose);
    if (purpose !== "try") {
      apiIds.breakers.serves(session.apiId, !found?.apiIdOut);
      if (found?.apiIdOut) throw new SessionUnusable("api_id_out");
    }
    if (!found?.sealed) throw new SessionUnusable("no_key");
    const own = session.ownApi ? await database.once((tx) => ownApiIdOfSession(tx, sessionId)) : null;
    const apiHash = own ? vault.openApiHash(own.sealed, own) : options.apiHashOf(session.apiId);
    if (apiHash === null) throw new SessionUnusable("api_id_unknown");
    waits.learn(found.waits, found.serverNow);
    return { session, sealed: found.sealed, apiHash };
  }

  async function connected<T>(
    readable: Readable,
    secret: string,
    lease: Lease,
    work: (account: OpenAccount) => Promise<T>,
  ): Promise<T> {
    const { session, sealed, apiHash } = readable;
    const signal = AbortSignal.any([lease.signal, closing.signal]);
    const gate: Gate = { isOpen: () => !closing.signal.aborted && lease.gate.isOpen() };
    const policy = createCallPolicy({
      telegramId: session.telegramId,
      apiId: session.apiId,
      ownApi: session.ownApi,
      callsInFlight: options.callsInFlight,
      ...{ limiter, waits, gate, signal, flood, pauses: limiter.methods, metrics, clock, log },
    });
    const api = { apiId: session.apiId, apiHash };
    const { dataCenters, times } = options;
    let connection: TelegramConnection | null = null;
    const hangUp = () => void connection?.close();
    try {
      const how = { session: secret, api, dataCenters, gate, policy, times, log };
      connection = await span("connect", {}, () => options.connect(how)).catch((error: unknown) => {
        noteConnect(error);
        throw error;
      });
      metrics.telegramConnects.inc({ outcome: "ok" });
      metrics.sessionConversions.inc({ format: formatOf(secret), direction: "read" });
      metrics.activeTelegramSessions.inc();
      signal.addEventListener("abort", hangUp, { once: true });
      if (signal.aborted) throw new LeaseLost("LEASE_LOST", "connect");
      await assertOwner(session, connection);
      return await work(openAccount(session, connection, lease, signal, policy));
    } catch (error) {
      throw await endings.settle(error, { session, sealed, connection });
    } finally {
      signal.removeEventListener("abort", hangUp);
      const opened = connection;
      if (opened) {
        await span("close", {}, () => opened.close());
        metrics.activeTelegramSessions.dec();
      }
    }
  }

  /** What was never tried, since a wait or a lease's end came first, is no connection. */
  function noteConnect(error: unknown): void {
    if (error instanceof WaitRunning || error instanceof FloodWait || error instanceof LeaseLost) return;
    metrics.telegramConnects.inc({ outcome: error instanceof Transient ? "failed" : "refused" });
  }

  /** A session that answers for somebody else is a mix-up of the worst kind: nothing is read with it. */
  async function assertOwner(session: SessionInfo, connection: TelegramConnection): Promise<void> {
    const { me } = connection;
    if (me.id === session.telegramId) return;
    log.error(
      { session_id: String(session.id), user_telegram_id: String(session.telegramId), answered_as: String(me.id) },
      "security alarm: a session belongs to another account",
    );
    const hold: SessionHold = "owner_mismatch";
    await database.asWorker((tx) => setHold(tx, session.id, hold, true));
    throw new SessionUnusable(hold);
  }

  function openAccount(
    session: SessionInfo,
    connection: TelegramConnection,
    lease: Lease,
    signal: AbortSignal,
    policy: AccountPolicy,
  ): OpenAccount {
    async function fenced<T>(commit: () => Promise<T>): Promise<T> {
      if (!lease.gate.isOpen()) throw new LeaseLost("LEASE_LOST", "commit");
      try {
        return await span("commit", {}, commit);
      } catch (error) {
        if (error instanceof LeaseGone) throw new LeaseLost("LEASE_LOST", "commit");
        throw error;
      }
    }
    return {
      session,
      api: connection.api,
      lease: lease.ref,
      signal,
      commit: (write) => fenced(() => database.underLease(lease.ref, write)),
      commitOnce: (write) => fenced(() => database.onceUnderLease(lease.ref, write)),
      tally: () => policy.tally(),
    };
  }

  /** To the day: a statement more than that, for each opening, would be one too many. */
  async function noteUse({ id, usedAt }: SessionInfo): Promise<void> {
    if (Math.abs(clock.now() - usedAt.getTime()) > USE_NOTED_MS) await database.once((tx) => noteSessionUse(tx, id));
  }

  async function open<T>(
    asked: bigint | SessionInfo,
    work: (account: OpenAccount) => Promise<T>,
    needs: readonly string[],
    purpose: OpenedFor,
  ): Promise<T> {
    if (closing.signal.aborted) throw new LeaseLost("LEASE_LOST", "open");
    const found = typeof asked === "bigint" ? await database.once((tx) => loadSession(tx, asked)) : asked;
    const known = usable(found, purpose);
    refuseWhileWaiting(known, needs);
    const lease = await span("lease", { "gramfleet.session_id": known.id }, async (asking) => {
      const lease = await leases.acquire(known.id, { toRevoke: purpose === "revoke" });
      asking.set({ "gramfleet.lease.taken": lease !== null });
      return lease;
    });
    if (!lease) throw new LeaseHeld(`session ${known.id} is leased elsewhere`);
    size += 1;
    try {
      const readable = await read(known.id, purpose);
      refuseWhileWaiting(readable.session, needs);
      if (purpose === "use") await noteUse(readable.session);
      const secret = vault.open(readable.sealed, bindingOf(readable.session));
      const { apiId, ownApi } = readable.session;
      const working = () => connected(readable, secret, lease, work);
      // Somebody's own pair may have the number of one of ours: it says nothing of ours.
      return await (purpose === "try" || (ownApi && isOurs(apiId)) ? working() : apiIds.run(apiId, working));
    } catch (error) {
      throw error instanceof ApiIdOut ? new SessionUnusable("api_id_out") : error;
    } finally {
      await span("release", {}, () => lease.release());
      size -= 1;
    }
  }

  function tracked<T>(opened: Promise<T>): Promise<T> {
    const settled = opened.then(
      () => undefined,
      () => undefined,
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return opened;
  }

  return {
    open: (sessionId, work, needs = [], purpose = "use") => tracked(open(sessionId, work, needs, purpose)),
    tryApiId: (sessionId) => tracked(open(sessionId, async () => undefined, [], "try")),
    get size() {
      return size;
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

const bindingOf = (session: SessionInfo) => ({
  tenantId: session.tenantId,
  sessionId: session.id,
  telegramId: session.telegramId,
  apiId: session.apiId,
});
