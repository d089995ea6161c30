import { countLoginCode } from "../../db/login-codes.ts";
import { LoginBusy } from "../../db/login-conflicts.ts";
import type { SessionInfo } from "../../db/sessions.ts";
import { apiIdLabel } from "../../runtime/metrics/labels.ts";
import type { Me } from "../api.ts";
import { ApiIdRefused, AuthLost, FloodWait, LoginRefused, WaitRunning } from "../errors.ts";
import { openLoginWire } from "../gramjs/login-wire.ts";
import type { LoginApi } from "../own-api-ids.ts";
import { chooseSession, type LoginFor } from "./choose-session.ts";
import { CodesUsedUp } from "./codes-used-up.ts";
import {
  type Admit,
  abandonedBy,
  LoginAbandoned,
  LoginCustody,
  type LoginDependencies,
  WrongAccount,
} from "./custody.ts";
import type { OpenLoginWire } from "./login-wire.ts";
import { ASK_AGAIN, type PasswordParameters, type PasswordProof } from "./password.ts";
import { type LoginDone, type PhoneLogin, type SentCode, startPhoneLogin } from "./phone-code.ts";

/** Instead of a code: it has not come, and is to be sent again. */
export const RESEND = Symbol("send the code again");

/** Whoever logs in is asked here. `refused` is why the last answer was not good, null the first time. */
export interface Asking {
  code(sent: SentCode, refused: string | null): Promise<string | typeof RESEND>;
  /** The two-step password, or a proof by these parameters that it is known. */
  password(parameters: PasswordParameters, refused: string | null): Promise<string | PasswordProof>;
}

export interface PhoneLoginFor extends LoginFor {
  readonly phone: string;
  /** Who may log in with a session of nobody's; everybody unless given. */
  readonly admit?: Admit;
  /** Whether it is enough to know who it is: then the key is logged out again, and no session made. */
  readonly provesOnly?: (telegramId: bigint) => Promise<boolean>;
}

/** Answers that are asked for before a login is given up. */
const TRIES = 5;

/**
 * Logs somebody in by phone and code, and by the two-step password where there is one. The key is leased and sealed
 * before the first authorising call; AUTHORIZED and the lease's release commit together, after the sockets closed.
 * Whatever ends the login before that, the signal included, leaves no key that is logged in: where Telegram may have said
 * yes it is logged out, and where that cannot be done now it stays sealed, in a pending state, for `endAbandonedLogins`.
 *
 * @returns session null where it was enough to know who it is
 * @throws WrongAccount after another account than the user's was logged out again
 * @throws LoginBusy, CodesUsedUp, LoggedInAlready, other OperatorErrors where it cannot begin; what `admit` throws
 * @throws LoginRefused and the other errors of `telegram/errors`; LoginAbandoned when `signal` is aborted
 */
export async function logInByPhone(
  deps: LoginDependencies,
  who: PhoneLoginFor,
  asking: Asking,
  signal: AbortSignal = new AbortController().signal,
  open: OpenLoginWire = openLoginWire,
): Promise<{ me: Me; session: SessionInfo | null }> {
  const { session, api } = await chooseSession(deps, who);
  const lease = await deps.fleet.leases.acquire(session.id);
  if (!lease) throw new LoginBusy("another login, or another process, works with this session: try again later");
  try {
    const custody = new LoginCustody(deps, session, api, lease);
    const ended = AbortSignal.any([signal, custody.signal]);
    return await new Login(deps, { custody, api, who, asking, open, signal: ended }).run();
  } catch (error) {
    throw signal.aborted && !(error instanceof WrongAccount) ? abandonedBy(signal) : error;
  } finally {
    await lease.release();
  }
}

interface LoginParts {
  readonly custody: LoginCustody;
  readonly api: LoginApi;
  readonly who: PhoneLoginFor;
  readonly asking: Asking;
  readonly open: OpenLoginWire;
  readonly signal: AbortSignal;
}

/** One login under its lease. */
class Login {
  readonly #deps: LoginDependencies;
  readonly #parts: LoginParts;
  #login: PhoneLogin | null = null;
  #sealed = "";
  /** Telegram has said yes, or may have: what was asked has no answer yet, or lost it on its way. */
  #mayBeLoggedIn = false;

  constructor(deps: LoginDependencies, parts: LoginParts) {
    this.#deps = deps;
    this.#parts = parts;
  }

  async run(): Promise<{ me: Me; session: SessionInfo | null }> {
    const { custody, who, open } = this.#parts;
    await custody.begin("PENDING_CODE", (tx) => this.#count(tx));
    try {
      const login = await startPhoneLogin(custody.connectOptions(""), who.phone, open);
      this.#login = login;
      const { done: me } = await this.#prove(login);
      await this.#keep(login);
      if (custody.expected !== null && me.id !== custody.expected)
        throw new WrongAccount(
          `that phone is account ${me.id}, not ${custody.expected}: it was logged out again, nothing is stored`,
        );
      if (await who.provesOnly?.(me.id)) {
        await this.#end(new LoginAbandoned("proven"));
        return { me, session: null };
      }
      await login.close();
      return { me, session: await custody.finish(login.session(), me.id, "logged in by phone", who) };
    } catch (error) {
      await this.#end(error);
      throw error;
    }
  }

  async #prove(login: PhoneLogin): Promise<LoginDone> {
    const { asking, custody } = this.#parts;
    await this.#keep(login);
    let sent = await this.#sent(login);
    // The login may have moved to another data center, with another key.
    await this.#keep(login);
    const signedIn = await tried(CODE_REFUSED, async (refused) => {
      let why = refused;
      for (;;) {
        const code = await this.#asked(asking.code(sent, why));
        if (typeof code === "string") return this.#proved(() => login.signIn(code));
        try {
          await this.#deps.database.asWorker((tx) => this.#count(tx));
          sent = await this.#sent(login);
          why = null;
        } catch (error) {
          // The code that was sent is good all the same.
          why = cannotResend(error);
        }
      }
    });
    if (signedIn !== "password_needed") return signedIn;
    await custody.awaitPassword();
    return tried(ASK_AGAIN, async (refused) => {
      const parameters = await login.passwordParameters();
      const password = await this.#asked(asking.password(parameters, refused));
      return this.#proved(() => login.checkPassword(password));
    });
  }

  async #sent(login: PhoneLogin): Promise<SentCode> {
    const sent = await login.sendCode();
    const { api } = this.#parts;
    this.#deps.metrics.loginCodesSent.inc({ api_id: apiIdLabel(api.apiId, api.ownApiId !== null) });
    return sent;
  }

  /** @throws CodesUsedUp */
  async #count(tx: Parameters<typeof countLoginCode>[0]): Promise<void> {
    const { codesPerDay } = this.#deps;
    const { apiId } = this.#parts.api;
    if (!(await countLoginCode(tx, apiId, codesPerDay)))
      throw new CodesUsedUp(`API ID ${apiId} has sent ${codesPerDay} codes today: try again tomorrow`);
  }

  async #keep(login: PhoneLogin): Promise<void> {
    const secret = login.session();
    if (secret === this.#sealed) return;
    await this.#parts.custody.seal(secret);
    this.#sealed = secret;
  }

  /** Nobody is waited for once the login has ended. */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this.#parts;
    let stop = () => {};
    const ended = new Promise<never>((_, reject) => {
      const end = () => reject(abandonedBy(signal));
      stop = () => signal.removeEventListener("abort", end);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
    return Promise.race([answer, ended]).finally(stop);
  }

  async #proved<T>(proof: () => Promise<T>): Promise<T> {
    this.#mayBeLoggedIn = true;
    try {
      const said = await proof();
      if (said === "password_needed") this.#mayBeLoggedIn = false;
      return said;
    } catch (error) {
      if (SAID_NO.some((kind) => error instanceof kind)) this.#mayBeLoggedIn = false;
      throw error;
    }
  }

  /** The login has come to nothing: nobody stays logged in with its key. */
  async #end(error: unknown): Promise<void> {
    const { custody } = this.#parts;
    const login = this.#login;
    try {
      await custody.noteRefusal(error);
      if (login && this.#mayBeLoggedIn) await custody.discard(await login.wire());
      await login?.close();
      await custody.giveUp(error);
    } catch (failure) {
      await login?.close();
      this.#deps.log.warn({ err: failure }, "an ended login's key is not logged out yet");
    }
  }
}

/** After these nobody is logged in; after anything else somebody may be. */
const SAID_NO = [LoginRefused, FloodWait, WaitRunning, ApiIdRefused, AuthLost];

const CODE_REFUSED = ["PHONE_CODE_INVALID", "PHONE_CODE_EMPTY"];

/** Why a code was not sent again, for whoever asked for it. */
function cannotResend(error: unknown): string {
  if (error instanceof CodesUsedUp) return "CODES_USED_UP";
  if (error instanceof FloodWait || error instanceof WaitRunning) return "FLOOD_WAIT";
  if (error instanceof LoginRefused && error.errorName === "SEND_CODE_UNAVAILABLE") return error.errorName;
  throw error;
}

/** Asks again, with the reason, where Telegram refused the answer for one of `reasons`; gives up after some tries. */
async function tried<T>(reasons: readonly string[], attempt: (refused: string | null) => Promise<T>): Promise<T> {
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
