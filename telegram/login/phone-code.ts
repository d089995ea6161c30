import type { Me } from "../api.ts";
import type { ConnectOptions } from "../connection.ts";
import { LoginRefused } from "../errors.ts";
import { openLoginWire } from "../gramjs/login-wire.ts";
import type { LoginWire, OpenLoginWire, SentCode } from "./login-wire.ts";
import type { PasswordParameters, PasswordProof } from "./password.ts";

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
  passwordParameters(): Promise<PasswordParameters>;
  /** @throws LoginRefused PASSWORD_HASH_INVALID where it is the wrong one */
  checkPassword(password: string | PasswordProof): Promise<LoginDone>;
  /** The connection: another one by the same key where the last was lost. */
  wire(): Promise<LoginWire>;
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
  let lost = false;
  const connect = (session: string): Promise<LoginWire> => {
    lost = false;
    const ended = () => {
      lost = true;
    };
    return open({ ...options, session }, { tokenAccepted: () => {}, ended });
  };
  let current = await connect(options.session);
  let phoneCodeHash: string | null = null;

  const wire = async (): Promise<LoginWire> => {
    // Whoever looks for the code takes minutes.
    if (lost) {
      await current.close();
      current = await connect(current.session());
    }
    return current;
  };
  const finished = (done: Me): LoginDone => ({ done, session: current.session() });

  return {
    async sendCode() {
      const by = await wire();
      const sent = phoneCodeHash === null ? await by.sendCode(phone) : await by.resendCode(phone, phoneCodeHash);
      phoneCodeHash = sent.phoneCodeHash;
      return sent;
    },
    async signIn(code) {
      if (phoneCodeHash === null) throw new LoginRefused("PHONE_CODE_HASH_EMPTY", "auth.signIn");
      try {
        return finished(await (await wire()).signIn(phone, phoneCodeHash, code));
      } catch (error) {
        if (error instanceof LoginRefused && error.errorName === "SESSION_PASSWORD_NEEDED") return "password_needed";
        throw error;
      }
    },
    async passwordParameters() {
      return (await wire()).passwordParameters();
    },
    async checkPassword(given) {
      const by = await wire();
      return finished(typeof given === "string" ? await by.checkPassword(given) : await by.checkProof(given));
    },
    wire,
    session: () => current.session(),
    close: () => current.close(),
  };
}
