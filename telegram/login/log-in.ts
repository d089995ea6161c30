import { listOutOfService } from "../../db/api-ids.ts";
import type { Database } from "../../db/database.ts";
import { deleteLease } from "../../db/leases.ts";
import { countLoginCode } from "../../db/login-codes.ts";
import type { SessionState } from "../../db/schema.ts";
import {
  ensureSession,
  loadSealed,
  loadSession,
  pinForLogin,
  type SessionInfo,
  saveSealed,
  transition,
} from "../../db/sessions.ts";
import type { User } from "../../db/users.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Me } from "../api.ts";
import { createCallPolicy, type FloodOptions } from "../call-policy.ts";
import type { ConnectionTimes, DataCenterAddresses } from "../connection.ts";
import { ApiIdRefused, AuthLost, FloodWait, LoginRefused, WaitRunning } from "../errors.ts";
import type { Fleet } from "../fleet.ts";
import { noMethodPauses } from "../flood-scope.ts";
import type { Lease } from "../lease.ts";
import { type MasterApi, pickAgain, pickMaster } from "../shards.ts";
import { type LoginDone, type PhoneLogin, type SentCode, startPhoneLogin } from "./phone-code.ts";

export interface LogInDependencies {
  readonly database: Database;
  readonly fleet: Pick<Fleet, "leases" | "limiter" | "waits" | "vault">;
  readonly apiIds: { readonly masters: readonly MasterApi[]; readonly backup: MasterApi | null };
  readonly codesPerDay: number;
  readonly dataCenters: DataCenterAddresses | null;
  readonly times: ConnectionTimes;
  readonly flood: FloodOptions;
  readonly callsInFlight: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whoever logs in is asked here. `refused` is why the last answer was not good, null the first time. */
export interface Asking {
  code(sent: SentCode, refused: string | null): Promise<string>;
  password(refused: string | null): Promise<string>;
}

const TRIES = 3;
const MAY_BEGIN: readonly SessionState[] = ["ABSENT", "STALE", "REVOKED"];
const PENDING: readonly SessionState[] = ["PENDING_CODE", "PENDING_PASSWORD"];

/**
 * Logs a user in by phone and code, and by the two-step password where there is one. The key is leased and sealed
 * before the first authorising call; AUTHORIZED and the lease's release commit together, after the sockets closed. A
 * login that is refused leaves no key; one that ends after Telegram's yes, or before its answer was heard, leaves it
 * sealed, in a pending state, and the next login logs it out first.
 *
 * @throws OperatorError where it cannot begin, or another account than the user's logged in (logged out again at once)
 * @throws LoginRefused and the other errors of `telegram/errors`
 */
export async function logInByPhone(
  deps: LogInDependencies,
  who: { readonly user: User; readonly appId?: string; readonly phone: string },
  asking: Asking,
): Promise<{ me: Me; session: SessionInfo }> {
  const { database, fleet } = deps;
  const { user } = who;
  const outOfService = await database.asWorker(listOutOfService);
  const first = pickMaster(user.id, deps.apiIds, outOfService);
  const session = await database.asWorker((tx) =>
    ensureSession(tx, {
      tenantId: user.tenantId,
      userId: user.id,
      telegramId: user.telegramId,
      ...(who.appId === undefined ? {} : { appId: who.appId }),
      apiId: first.apiId,
      ownApi: false,
    }),
  );
  const api = pickAgain(session, deps.apiIds, outOfService);
  const lease = await fleet.leases.acquire(session.id);
  if (!lease) throw new OperatorError(`another process works with the session of ${user.telegramId}: try again later`);
  try {
    return await new Login(deps, session, api, lease).run(who.phone, asking);
  } finally {
    await lease.release();
  }
}

/** One login under its lease. */
class Login {
  readonly #deps: LogInDependencies;
  readonly #session: SessionInfo;
  readonly #api: MasterApi;
  readonly #lease: Lease;
  /** Telegram has said yes, or may have: what was asked has no answer yet, or lost it on its way. */
  #mayBeLoggedIn = false;

  constructor(deps: LogInDependencies, session: SessionInfo, api: MasterApi, lease: Lease) {
    this.#deps = deps;
    this.#session = session;
    this.#api = api;
    this.#lease = lease;
  }

  async run(phone: string, asking: Asking): Promise<{ me: Me; session: SessionInfo }> {
    await this.#logOutAbandoned(phone);
    await this.#begin();
    let login: PhoneLogin | null = null;
    try {
      login = await startPhoneLogin(this.#connectOptions("", this.#api), phone);
      const { done, session } = await this.#prove(login, asking);
      await this.#seal(session);
      await this.#assertOwner(done, login);
      await login.close();
      await this.#finish();
      return { me: done, session: { ...this.#session, apiId: this.#api.apiId, state: "AUTHORIZED" } };
    } catch (error) {
      await login?.close();
      // After Telegram's yes the sealed key stays, pending: somebody is logged in with it.
      if (!this.#mayBeLoggedIn || error instanceof WrongAccount) await this.#giveUp(error);
      throw error;
    }
  }

  /**
   * The key that a login left which never ended: forgotten, it would stay among the account's devices for good. A key
   * that Telegram does not know, or that was never logged in, needs no logging out.
   */
  async #logOutAbandoned(phone: string): Promise<void> {
    const { database, fleet } = this.#deps;
    const left = await database.asWorker(async (tx) => {
      const session = await loadSession(tx, this.#session.id);
      const sealed = await loadSealed(tx, this.#session.id);
      return session && PENDING.includes(session.state) && sealed ? { apiId: session.apiId, sealed } : null;
    });
    if (!left) return;
    const secret = fleet.vault.open(left.sealed, this.#bindingOf(left.apiId));
    let login: PhoneLogin | null = null;
    try {
      login = await startPhoneLogin(this.#connectOptions(secret, { ...this.#api, apiId: left.apiId }), phone);
      await login.logOut();
    } catch (error) {
      if (!(error instanceof AuthLost)) throw error;
    } finally {
      await login?.close();
    }
  }

  async #begin(): Promise<void> {
    const { database, codesPerDay } = this.#deps;
    await database.underLease(this.#lease.ref, async (tx) => {
      // Nobody holds the lease of a login that was begun and never ended: it may be begun anew.
      await transition(tx, this.#session.id, { from: PENDING, to: "ABSENT", reason: "abandoned" });
      if (!(await transition(tx, this.#session.id, { from: MAY_BEGIN, to: "PENDING_CODE" })))
        throw new OperatorError(`${this.#session.telegramId} is logged in already (gramfleet sessions list)`);
      await pinForLogin(tx, this.#session.id, this.#api.apiId);
      if (!(await countLoginCode(tx, this.#api.apiId, codesPerDay)))
        throw new OperatorError(`API ID ${this.#api.apiId} has sent ${codesPerDay} codes today: try again tomorrow`);
    });
  }

  async #prove(login: PhoneLogin, asking: Asking): Promise<LoginDone> {
    await this.#seal(login.session());
    const sent = await login.sendCode();
    // The login may have moved to another data center, with another key.
    await this.#seal(login.session());
    const signedIn = await tried(async (refused) => {
      const code = await asking.code(sent, refused);
      return this.#proved(() => login.signIn(code));
    }, CODE_REFUSED);
    if (signedIn !== "password_needed") return signedIn;
    this.#mayBeLoggedIn = false;
    await this.#deps.database.underLease(this.#lease.ref, (tx) =>
      transition(tx, this.#session.id, { from: ["PENDING_CODE"], to: "PENDING_PASSWORD" }),
    );
    return tried(async (refused) => {
      const password = await asking.password(refused);
      return this.#proved(() => login.checkPassword(password));
    }, PASSWORD_REFUSED);
  }

  async #proved<T>(proof: () => Promise<T>): Promise<T> {
    this.#mayBeLoggedIn = true;
    try {
      return await proof();
    } catch (error) {
      if (SAID_NO.some((kind) => error instanceof kind)) this.#mayBeLoggedIn = false;
      throw error;
    }
  }

  /** @throws WrongAccount after it was logged out again */
  async #assertOwner(me: Me, login: PhoneLogin): Promise<void> {
    if (me.id === this.#session.telegramId) return;
    await login.logOut();
    throw new WrongAccount(
      `that phone is account ${me.id}, not ${this.#session.telegramId}: it was logged out again, nothing is stored`,
    );
  }

  async #seal(secret: string): Promise<void> {
    const sealed = this.#deps.fleet.vault.seal(secret, this.#bindingOf(this.#api.apiId));
    await this.#deps.database.underLease(this.#lease.ref, (tx) => saveSealed(tx, this.#session.id, sealed));
  }

  #bindingOf(apiId: number) {
    const { tenantId, id, telegramId } = this.#session;
    return { tenantId, sessionId: id, telegramId, apiId };
  }

  async #finish(): Promise<void> {
    await this.#deps.database.underLease(this.#lease.ref, async (tx) => {
      await transition(tx, this.#session.id, { from: PENDING, to: "AUTHORIZED", reason: "logged in by phone" });
      await deleteLease(tx, this.#lease.ref);
    });
  }

  async #giveUp(error: unknown): Promise<void> {
    const reason = error instanceof LoginRefused ? error.errorName.toLowerCase() : "login failed";
    await this.#deps.database
      .underLease(this.#lease.ref, (tx) => transition(tx, this.#session.id, { from: PENDING, to: "ABSENT", reason }))
      .catch((failure) => this.#deps.log.warn({ err: failure }, "login not given up yet"));
  }

  #connectOptions(session: string, api: MasterApi) {
    const { deps, lease } = { deps: this.#deps, lease: this.#lease };
    const { clock, log, metrics, flood, callsInFlight, dataCenters, times } = deps;
    const policy = createCallPolicy({
      telegramId: this.#session.telegramId,
      apiId: api.apiId,
      ownApi: false,
      limiter: deps.fleet.limiter,
      waits: deps.fleet.waits,
      gate: lease.gate,
      signal: lease.signal,
      pauses: noMethodPauses,
      ...{ flood, callsInFlight, metrics, clock, log },
    });
    return { session, api, dataCenters, gate: lease.gate, policy, times, log };
  }
}

class WrongAccount extends OperatorError {}

/** After these nobody is logged in; after anything else somebody may be. */
const SAID_NO = [LoginRefused, FloodWait, WaitRunning, ApiIdRefused, AuthLost];

const CODE_REFUSED = ["PHONE_CODE_INVALID", "PHONE_CODE_EMPTY"];
const PASSWORD_REFUSED = ["PASSWORD_HASH_INVALID"];

/** Asks again, with the reason, where Telegram refused the answer for one of `reasons`; gives up after three. */
async function tried<T>(attempt: (refused: string | null) => Promise<T>, reasons: readonly string[]): Promise<T> {
  let refused: string | null = null;
  for (let round = 1; ; round += 1) {
    try {
      return await attempt(refused);
    } catch (error) {
      if (!(error instanceof LoginRefused) || !reasons.includes(error.errorName) || round === TRIES) throw error;
      refused = error.errorName;
    }
  }
}
