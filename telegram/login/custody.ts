import type { Agreed } from "../../db/consents.ts";
import type { Database, WorkerTx } from "../../db/database.ts";
import { deleteLease } from "../../db/leases.ts";
import { LoggedInAlready } from "../../db/login-conflicts.ts";
import type { SessionState } from "../../db/schema.ts";
import { NOBODY } from "../../db/session-row.ts";
import { loadSealed, loadSession, pinForLogin, type SessionInfo, saveSealed, transition } from "../../db/sessions.ts";
import { claimSession, deleteUnclaimed } from "../../db/unclaimed-sessions.ts";
import { addUser } from "../../db/users.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { AccountCalls, type FloodOptions } from "../call-policy.ts";
import type { ConnectionTimes, ConnectOptions, DataCenterAddresses } from "../connection.ts";
import { ApiIdRefused, AuthLost, LoginRefused } from "../errors.ts";
import type { Fleet } from "../fleet.ts";
import { noMethodPauses } from "../flood-scope.ts";
import { openLoginWire } from "../gramjs/login-wire.ts";
import type { Lease } from "../lease.ts";
import type { LoginApi } from "../own-api-ids.ts";
import { formatOf } from "../session-format.ts";
import type { MasterApi } from "../shards.ts";
import { type ConsentRule, settleConsent } from "./consent.ts";
import type { LoginWire } from "./login-wire.ts";

export interface LoginDependencies {
  readonly database: Database;
  readonly fleet: Pick<Fleet, "leases" | "limiter" | "waits" | "vault" | "apiIds">;
  readonly apiIds: { readonly masters: readonly MasterApi[]; readonly backup: MasterApi | null };
  readonly dataCenters: DataCenterAddresses | null;
  readonly times: ConnectionTimes;
  readonly flood: FloodOptions;
  readonly callsInFlight: number;
  /** Login codes that each API ID may send a day. */
  readonly codesPerDay: number;
  /** Nothing is required unless given. */
  readonly consent?: ConsentRule;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Decides who somebody is that has logged in with a session of nobody's. */
export type Admit = (
  tx: WorkerTx,
  who: { readonly tenantId: string; readonly telegramId: bigint },
) => Promise<{ readonly id: bigint }>;

/** Everybody is, or becomes, a user. */
const welcome: Admit = async (tx, who) => (await addUser(tx, who)).user;

const MAY_BEGIN: readonly SessionState[] = ["ABSENT", "STALE", "REVOKED"];
const PENDING: readonly SessionState[] = ["PENDING_QR", "PENDING_CODE", "PENDING_PASSWORD"];

/**
 * The keeping of one login's key, under its lease, whatever way the login goes. The key is sealed before the first call
 * that may log it in; AUTHORIZED and the lease's release commit together, after the sockets closed; a key that may be
 * logged in is logged out before its session forgets it, and stays sealed, in a pending state, where that cannot be done
 * now: the next login, or the sweep of abandoned ones, does it then.
 */
export class LoginCustody {
  readonly #deps: LoginDependencies;
  readonly #session: SessionInfo;
  readonly #api: LoginApi;
  readonly #lease: Lease;

  constructor(deps: LoginDependencies, session: SessionInfo, api: LoginApi, lease: Lease) {
    this.#deps = deps;
    this.#session = session;
    this.#api = api;
    this.#lease = lease;
  }

  /** Whose account it is to be; null where whoever comes is welcome. */
  get expected(): bigint | null {
    return this.#session.telegramId === NOBODY ? null : this.#session.telegramId;
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  /** What to connect with; `secret` is "" for a new key. */
  connectOptions(secret: string, api: LoginApi = this.#api): ConnectOptions {
    const { clock, log, metrics, flood, callsInFlight, dataCenters, times, fleet } = this.#deps;
    const { limiter, waits } = fleet;
    const policy = new AccountCalls(
      { limiter, waits, flood, pauses: noMethodPauses, callsInFlight, metrics, clock, log },
      {
        // Telegram's waits before a login are the key's own: a login of nobody known yet counts as an account by itself.
        telegramId: this.expected ?? -this.#session.id,
        apiId: api.apiId,
        ownApi: api.ownApiId !== null,
        lease: this.#lease,
      },
    );
    const { apiId, apiHash } = api;
    return { session: secret, api: { apiId, apiHash }, dataCenters, gate: this.#lease, policy, times, log };
  }

  /**
   * Enters a pending state, by a key that is still to be made. A login that was begun and never ended may be begun anew,
   * its key being logged out first.
   *
   * @param more committed with it
   * @throws LoggedInAlready
   */
  async begin(to: "PENDING_QR" | "PENDING_CODE", more?: (tx: WorkerTx) => Promise<void>): Promise<void> {
    await this.logOutLeft();
    await this.#underLease(async (tx) => {
      await transition(tx, this.#session.id, { from: PENDING, to: "ABSENT", reason: "abandoned" });
      if (!(await transition(tx, this.#session.id, { from: MAY_BEGIN, to })))
        throw new LoggedInAlready(`${this.#session.telegramId} is logged in already (gramfleet sessions list)`);
      await pinForLogin(tx, this.#session.id, this.#api);
      await more?.(tx);
    });
  }

  async seal(secret: string): Promise<void> {
    const sealed = this.#deps.fleet.vault.seal(secret, this.#binding());
    this.#deps.metrics.sessionConversions.inc({ format: formatOf(secret), direction: "written" });
    await this.#underLease((tx) => saveSealed(tx, this.#session.id, sealed));
  }

  /** The account has a two-step password, which is asked for now. */
  async awaitPassword(): Promise<void> {
    const from: readonly SessionState[] = ["PENDING_QR", "PENDING_CODE"];
    await this.#underLease((tx) => transition(tx, this.#session.id, { from, to: "PENDING_PASSWORD" }));
  }

  /**
   * AUTHORIZED, and the lease released with it: every socket is closed by now. A session that was nobody's gets its
   * owner, who is made a user, and its key is bound to both.
   *
   * @param how.admit who that is, in the same transaction: a user of the tenant whom it may make; throws for whom it refuses
   * @param how.agreed what they were shown, recorded in the same transaction
   * @throws ConsentMissing where that is required, and they were shown nothing
   * @throws LoggedInAlready where the account has another session that is AUTHORIZED
   */
  async finish(
    secret: string,
    telegramId: bigint,
    reason: string,
    { admit = welcome, agreed }: { readonly admit?: Admit; readonly agreed?: () => Agreed | null } = {},
  ): Promise<SessionInfo> {
    const { tenantId, id, appId } = this.#session;
    return this.#underLease(async (tx) => {
      if (this.expected === null) {
        const user = await admit(tx, { tenantId, telegramId });
        const owner = appId.startsWith("login_") ? `user_${telegramId}` : appId;
        await claimSession(tx, id, { tenantId, userId: user.id, telegramId, appId: owner });
        await saveSealed(tx, id, this.#deps.fleet.vault.seal(secret, { ...this.#binding(), telegramId }));
      }
      await transition(tx, id, { from: PENDING, to: "AUTHORIZED", reason });
      const session = await loadSession(tx, id);
      if (!session) throw new OperatorError("the session was deleted meanwhile");
      await settleConsent(tx, session, agreed?.() ?? null, this.#deps.consent);
      await deleteLease(tx, this.#lease.ref);
      return session;
    });
  }

  /** Where Telegram refuses one of our API IDs to a login, it is refused to everybody: the next one goes by another. */
  async noteRefusal(error: unknown): Promise<void> {
    if (error instanceof ApiIdRefused && this.#api.ownApiId === null)
      await this.#deps.fleet.apiIds.refused(this.#api.apiId, error);
  }

  /** The login has come to nothing, and no key of it is logged in. */
  async giveUp(error: unknown): Promise<void> {
    const reason = error instanceof LoginRefused ? error.errorName.toLowerCase() : reasonOf(error);
    try {
      await this.#underLease(async (tx) => {
        await transition(tx, this.#session.id, { from: PENDING, to: "ABSENT", reason });
        if (this.expected === null) await deleteUnclaimed(tx, this.#session.id);
      });
    } catch (failure) {
      this.#deps.log.warn({ err: failure }, "login not given up yet");
    }
  }

  /**
   * Makes sure that nobody is logged in with this wire's key, now or by a token that is still about.
   *
   * @throws where Telegram has not confirmed it: the key stays sealed
   */
  async discard(wire: LoginWire): Promise<void> {
    await wire.logOut().catch(unlessLost);
    await wire.destroyKey();
  }

  /**
   * Logs out the key that a login left which never ended: forgotten, it would stay among the account's devices for good.
   * A key that Telegram does not know, or that was never logged in, needs no logging out. The connection is closed.
   */
  async logOutLeft(): Promise<void> {
    const left = await this.#deps.database.asWorker(async (tx) => {
      const session = await loadSession(tx, this.#session.id);
      const sealed = await loadSealed(tx, this.#session.id);
      return session && PENDING.includes(session.state) && sealed ? { apiId: session.apiId, sealed } : null;
    });
    if (!left) return;
    const secret = this.#deps.fleet.vault.open(left.sealed, { ...this.#binding(), apiId: left.apiId });
    let wire: LoginWire | null = null;
    try {
      wire = await openLoginWire(this.connectOptions(secret, { ...this.#api, apiId: left.apiId }));
      await this.discard(wire);
    } catch (error) {
      unlessLost(error);
    } finally {
      await wire?.close();
    }
  }

  #binding() {
    const { tenantId, id, telegramId } = this.#session;
    return { tenantId, sessionId: id, telegramId, apiId: this.#api.apiId };
  }

  #underLease<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T> {
    return this.#deps.database.underLease(this.#lease.ref, work);
  }
}

/** What a login is ended with from outside: nobody waits for it any more. `reason` is recorded. */
export class LoginAbandoned extends Error {
  override name = "LoginAbandoned";
  readonly reason: string;

  constructor(reason: string) {
    super(`login ended: ${reason}`);
    this.reason = reason;
  }
}

/** What a login was ended with from outside. */
export function abandonedBy(signal: AbortSignal): Error {
  const { reason } = signal;
  return reason instanceof Error && reason.name !== "AbortError" ? reason : new LoginAbandoned("abandoned");
}

/** Another account than the session's has logged in; it was logged out again. */
export class WrongAccount extends OperatorError {}

function reasonOf(error: unknown): string {
  if (error instanceof LoginAbandoned) return error.reason;
  return error instanceof WrongAccount ? "wrong account" : "login failed";
}

/** A key that Telegram knows nobody by is logged out. */
function unlessLost(error: unknown): void {
  if (!(error instanceof AuthLost)) throw error;
}
