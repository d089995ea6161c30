import type { Database } from "../db/database.ts";
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
import { type AccountSurroundings, OpenedAccount } from "./accounts/opened-account.ts";
import { ApiIdOut } from "./api-ids/breakers.ts";
import type { ApiIdService } from "./api-ids.ts";
import type { FloodOptions } from "./call-policy.ts";
import type { Connect, ConnectionTimes, DataCenterAddresses, TelegramConnection } from "./connection.ts";
import { ApiIdRefused, FloodWait, LeaseLost, Transient, WaitRunning } from "./errors.ts";
import type { Lease, Leases } from "./lease.ts";
import type { Limiter } from "./limiter.ts";
import { OPENING_METHOD } from "./policy.ts";
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
  const { database, leases, vault, limiter, waits, apiIds, flood, callsInFlight, metrics, clock, log } = options;
  const isOurs = (apiId: number) => options.apiHashOf(apiId) !== null;
  const endings = createEndings({ database, apiIds, isOurs, metrics, log });
  const closing = new AbortController();
  const pauses = limiter.methods;
  const calls = { limiter, waits, flood, pauses, callsInFlight, metrics, clock, log };
  const around: AccountSurroundings = { database, calls, closing: closing.signal };
  const open = new Set<OpenedAccount>();
  const whenNothingRuns: (() => void)[] = [];
  let running = 0;
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

  async function leased(asked: bigint | SessionInfo, needs: readonly string[], purpose: OpenedFor): Promise<Lease> {
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
    return lease;
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

  /** Somebody's own pair may have the number of one of ours: it says nothing of ours. */
  function hasBreaker({ apiId, ownApi }: SessionInfo, purpose: OpenedFor): boolean {
    return purpose !== "try" && !(ownApi && isOurs(apiId));
  }

  function admit(session: SessionInfo, purpose: OpenedFor): void {
    try {
      if (hasBreaker(session, purpose)) apiIds.admit(session.apiId);
    } catch (error) {
      throw error instanceof ApiIdOut ? new SessionUnusable("api_id_out") : error;
    }
  }

  /** Reads, unseals and connects what is leased. Its key is in nobody's hands afterwards but GramJS's. */
  async function connected(lease: Lease, needs: readonly string[], purpose: OpenedFor): Promise<OpenedAccount> {
    const { session, sealed, apiHash } = await read(lease.ref.sessionId, purpose);
    refuseWhileWaiting(session, needs);
    if (purpose === "use") await noteUse(session);
    const secret = vault.open(sealed, bindingOf(session));
    admit(session, purpose);
    const account = new OpenedAccount(around, lease, session, sealed.fingerprint);
    open.add(account);
    try {
      await connect(account, secret, apiHash);
      return account;
    } catch (error) {
      const certain = await settled(error, account, purpose);
      await hangUp(account);
      throw certain;
    }
  }

  async function connect(account: OpenedAccount, secret: string, apiHash: string): Promise<void> {
    const { dataCenters, times } = options;
    const api = { apiId: account.session.apiId, apiHash };
    const how = { session: secret, api, dataCenters, gate: account, policy: account.policy, times, log };
    const connection = await span("connect", {}, () => options.connect(how)).catch((error: unknown) => {
      noteConnect(error);
      throw error;
    });
    metrics.telegramConnects.inc({ outcome: "ok" });
    metrics.sessionConversions.inc({ format: formatOf(secret), direction: "read" });
    metrics.activeTelegramSessions.inc();
    account.connected(connection);
    await assertOwner(account.session, connection);
  }

  /** What was never tried, since a wait or a lease's end came first, is no connection. */
  function noteConnect(error: unknown): void {
    if (error instanceof WaitRunning || error instanceof FloodWait || error instanceof LeaseLost) return;
    metrics.telegramConnects.inc({ outcome: error instanceof Transient ? "failed" : "refused" });
  }

  /** A session that answers for somebody else is a mix-up of the worst kind: nothing is read with it. */
  async function assertOwner(session: SessionInfo, { me }: TelegramConnection): Promise<void> {
    if (me.id === session.telegramId) return;
    log.error(
      { session_id: String(session.id), user_telegram_id: String(session.telegramId), answered_as: String(me.id) },
      "security alarm: a session belongs to another account",
    );
    const hold: SessionHold = "owner_mismatch";
    await database.asWorker((tx) => setHold(tx, session.id, hold, true));
    throw new SessionUnusable(hold);
  }

  /** Writes down what an error means, and gives the error to go on with. */
  async function settled(error: unknown, account: OpenedAccount, purpose: OpenedFor): Promise<unknown> {
    if (error instanceof ApiIdRefused && hasBreaker(account.session, purpose)) apiIds.trip(account.session.apiId);
    return endings.settle(error, account);
  }

  async function hangUp(account: OpenedAccount): Promise<void> {
    const { connection } = account;
    if (connection) {
      await span("close", {}, () => connection.close());
      metrics.activeTelegramSessions.dec();
    }
    open.delete(account);
  }

  /** To the day: a statement more than that, for each opening, would be one too many. */
  async function noteUse({ id, usedAt }: SessionInfo): Promise<void> {
    if (Math.abs(clock.now() - usedAt.getTime()) > USE_NOTED_MS) await database.once((tx) => noteSessionUse(tx, id));
  }

  /** One frame for as long as an account is open: whatever was needed to open it has gone. */
  async function run<T>(
    leasing: Promise<Lease>,
    work: (account: OpenAccount) => Promise<T>,
    needs: readonly string[],
    purpose: OpenedFor,
  ): Promise<T> {
    let lease: Lease | null = null;
    let account: OpenedAccount | null = null;
    running += 1;
    try {
      lease = await leasing;
      size += 1;
      account = await connected(lease, needs, purpose);
      return await work(account);
    } catch (error) {
      throw account ? await settled(error, account, purpose) : error;
    } finally {
      if (account) await hangUp(account);
      if (lease) await release(lease);
      running -= 1;
      if (running === 0) for (const tell of whenNothingRuns.splice(0)) tell();
    }
  }

  async function release(lease: Lease): Promise<void> {
    await span("release", {}, () => lease.release());
    size -= 1;
  }

  return {
    open: (session, work, needs = [], purpose = "use") => run(leased(session, needs, purpose), work, needs, purpose),
    tryApiId: (sessionId) => run(leased(sessionId, [], "try"), async () => undefined, [], "try"),
    get size() {
      return size;
    },
    async close() {
      closing.abort();
      for (const account of open) account.leaseLost();
      if (running > 0) await new Promise<void>((resolve) => whenNothingRuns.push(resolve));
    },
  };
}

const bindingOf = (session: SessionInfo) => ({
  tenantId: session.tenantId,
  sessionId: session.id,
  telegramId: session.telegramId,
  apiId: session.apiId,
});
