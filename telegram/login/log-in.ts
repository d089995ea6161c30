import { listOutOfService } from "../../db/api-ids.ts";
import { countLoginCode } from "../../db/login-codes.ts";
import { ensureSession, type SessionInfo } from "../../db/sessions.ts";
import type { User } from "../../db/users.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Me } from "../api.ts";
import { ApiIdRefused, AuthLost, FloodWait, LoginRefused, WaitRunning } from "../errors.ts";
import { pickAgain, pickMaster } from "../shards.ts";
import { LoginCustody, type LoginDependencies, WrongAccount } from "./custody.ts";
import { type LoginDone, type PhoneLogin, type SentCode, startPhoneLogin } from "./phone-code.ts";

export type LogInDependencies = LoginDependencies & { readonly codesPerDay: number };

/** Whoever logs in is asked here. `refused` is why the last answer was not good, null the first time. */
export interface Asking {
  code(sent: SentCode, refused: string | null): Promise<string>;
  password(refused: string | null): Promise<string>;
}

const TRIES = 3;

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
    const custody = new LoginCustody(deps, session, api, lease);
    return await new Login(deps, custody, api.apiId).run(who.phone, asking);
  } finally {
    await lease.release();
  }
}

/** One login under its lease. */
class Login {
  readonly #deps: LogInDependencies;
  readonly #custody: LoginCustody;
  readonly #apiId: number;
  /** Telegram has said yes, or may have: what was asked has no answer yet, or lost it on its way. */
  #mayBeLoggedIn = false;

  constructor(deps: LogInDependencies, custody: LoginCustody, apiId: number) {
    this.#deps = deps;
    this.#custody = custody;
    this.#apiId = apiId;
  }

  async run(phone: string, asking: Asking): Promise<{ me: Me; session: SessionInfo }> {
    const { codesPerDay } = this.#deps;
    await this.#custody.begin("PENDING_CODE", async (tx) => {
      if (!(await countLoginCode(tx, this.#apiId, codesPerDay)))
        throw new OperatorError(`API ID ${this.#apiId} has sent ${codesPerDay} codes today: try again tomorrow`);
    });
    let login: PhoneLogin | null = null;
    try {
      login = await startPhoneLogin(this.#custody.connectOptions(""), phone);
      const { done, session } = await this.#prove(login, asking);
      await this.#custody.seal(session);
      await this.#assertOwner(done, login);
      await login.close();
      return { me: done, session: await this.#custody.finish(session, done.id, "logged in by phone") };
    } catch (error) {
      await login?.close();
      // After Telegram's yes the sealed key stays, pending: somebody is logged in with it.
      if (!this.#mayBeLoggedIn || error instanceof WrongAccount) await this.#custody.giveUp(error);
      throw error;
    }
  }

  async #prove(login: PhoneLogin, asking: Asking): Promise<LoginDone> {
    await this.#custody.seal(login.session());
    const sent = await login.sendCode();
    // The login may have moved to another data center, with another key.
    await this.#custody.seal(login.session());
    const signedIn = await tried(async (refused) => {
      const code = await asking.code(sent, refused);
      return this.#proved(() => login.signIn(code));
    }, CODE_REFUSED);
    if (signedIn !== "password_needed") return signedIn;
    this.#mayBeLoggedIn = false;
    await this.#custody.awaitPassword();
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
    const { expected } = this.#custody;
    if (me.id === expected) return;
    await login.logOut();
    throw new WrongAccount(
      `that phone is account ${me.id}, not ${expected}: it was logged out again, nothing is stored`,
    );
  }
}

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
