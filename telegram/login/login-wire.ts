import type { Me } from "../api.ts";
import type { ConnectOptions } from "../connection.ts";

export interface SentCode {
  readonly phoneCodeHash: string;
  /** Where the code went, in Telegram's word: app, sms, call, flash_call, email_code, fragment_sms, … */
  readonly type: string;
  /** Seconds until it may be sent again, null where it may not. */
  readonly timeout: number | null;
}

/**
 * The login calls of one key. Each throws only errors of `telegram/errors`; what the user can act on is LoginRefused by
 * Telegram's own name. It follows the account to its data center, with a new key there.
 */
export interface LoginWire {
  /** `auth.sendCode`. */
  sendCode(phone: string): Promise<SentCode>;
  /** `auth.resendCode`: by the next way Telegram has. */
  resendCode(phone: string, phoneCodeHash: string): Promise<SentCode>;
  /** `auth.signIn`; never signs up: a phone without an account is refused as PHONE_NUMBER_UNOCCUPIED. */
  signIn(phone: string, phoneCodeHash: string, code: string): Promise<Me>;
  /** `account.getPassword` and `auth.checkPassword`: the password itself is not sent, and not kept. */
  checkPassword(password: string): Promise<Me>;
  /** `auth.logOut`. */
  logOut(): Promise<void>;
  /** The StringSession as it is now. Secret. */
  session(): string;
  close(): Promise<void>;
}

export type OpenLoginWire = (options: ConnectOptions) => Promise<LoginWire>;
