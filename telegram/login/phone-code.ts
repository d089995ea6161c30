import type { Me } from "../api.ts";
import type { ConnectOptions } from "../connection.ts";
import { LoginRefused } from "../errors.ts";
import { openLoginWire } from "../gramjs/login-wire.ts";
import type { OpenLoginWire, SentCode } from "./login-wire.ts";

export type { SentCode } from "./login-wire.ts";

export interface LoginDone {
  readonly done: Me;
  /** The StringSession that is logged in. Secret. */
  readonly session: string;
}

/** A login by phone, code and, where the account has one, password. Refusals are LoginRefused: the user tries again. */
export interface PhoneLogin {
  /** Asks for a code; asked again, for the next way of sending it (`auth.resendCode`). */
  sendCode(): Promise<SentCode>;
  /** @throws LoginRefused PHONE_CODE_INVALID, PHONE_CODE_EXPIRED, PHONE_NUMBER_UNOCCUPIED, … */
  signIn(code: string): Promise<LoginDone | "password_needed">;
  /** @throws LoginRefused PASSWORD_HASH_INVALID where it is the wrong one */
  checkPassword(password: string): Promise<LoginDone>;
  /** `auth.logOut`: for a login that turns out to be somebody else's. */
  logOut(): Promise<void>;
  /** The session as it is now, logged in or not: it changes when the login moves to another data center. Secret. */
  session(): string;
  /** Closes every socket. Never throws. */
  close(): Promise<void>;
}

/**
 * Connects for a login; `options.session` is "" for a new key. Nothing is sent to the phone before `sendCode`.
 *
 * @throws errors of `telegram/errors`; leaves no socket behind
 */
export async function startPhoneLogin(
  options: ConnectOptions,
  phone: string,
  open: OpenLoginWire = openLoginWire,
): Promise<PhoneLogin> {
  const wire = await open(options);
  let phoneCodeHash: string | null = null;
  const finished = (done: Me): LoginDone => ({ done, session: wire.session() });

  return {
    async sendCode() {
      const sent = phoneCodeHash === null ? await wire.sendCode(phone) : await wire.resendCode(phone, phoneCodeHash);
      phoneCodeHash = sent.phoneCodeHash;
      return sent;
    },
    async signIn(code) {
      if (phoneCodeHash === null) throw new LoginRefused("PHONE_CODE_HASH_EMPTY", "auth.signIn");
      try {
        return finished(await wire.signIn(phone, phoneCodeHash, code));
      } catch (error) {
        if (error instanceof LoginRefused && error.errorName === "SESSION_PASSWORD_NEEDED") return "password_needed";
        throw error;
      }
    },
    async checkPassword(password) {
      return finished(await wire.checkPassword(password));
    },
    logOut: () => wire.logOut(),
    session: () => wire.session(),
    close: () => wire.close(),
  };
}
