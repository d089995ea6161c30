import type { Me } from "../api.ts";
import type { ConnectOptions } from "../connection.ts";
import type { PasswordParameters, PasswordProof } from "./password.ts";

export interface SentCode {
  readonly phoneCodeHash: string;
  /** Where the code went, in Telegram's word: app, sms, call, flash_call, email_code, fragment_sms, … */
  readonly type: string;
  /** Its digits; null where Telegram does not say. */
  readonly length: number | null;
  /** How it is sent when it is sent again; null where it is not. */
  readonly nextType: string | null;
  /** Seconds until then, null where Telegram names no wait. */
  readonly timeout: number | null;
}

/** What `auth.exportLoginToken` and `auth.importLoginToken` answer. */
export type LoginToken =
  /** To be shown as a QR code until then, by Telegram's clock. */
  | { readonly kind: "token"; readonly token: Buffer; readonly expiresAt: Date }
  /** Accepted by an account of another data center: to be imported there. */
  | { readonly kind: "moved"; readonly dcId: number; readonly token: Buffer }
  | { readonly kind: "done"; readonly me: Me };

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
  /** `auth.exportLoginToken`. */
  exportToken(): Promise<LoginToken>;
  /** Goes on in another data center, with a new key: to be kept before `importToken` logs it in. */
  moveTo(dcId: number): Promise<void>;
  /** `auth.importLoginToken`. */
  importToken(token: Buffer): Promise<LoginToken>;
  /** `account.getPassword`. */
  passwordParameters(): Promise<PasswordParameters>;
  /** `auth.checkPassword` by a proof made elsewhere. */
  checkProof(proof: PasswordProof): Promise<Me>;
  /** `account.getPassword` and `auth.checkPassword`: the password itself is not sent, and not kept. */
  checkPassword(password: string): Promise<Me>;
  /** `auth.logOut`. */
  logOut(): Promise<void>;
  /** Makes the data center forget the key: a token of it that is accepted from now on logs nobody in. */
  destroyKey(): Promise<void>;
  /** The StringSession as it is now. Secret. */
  session(): string;
  close(): Promise<void>;
}

/** What a login hears unasked. */
export interface LoginEvents {
  /** `updateLoginToken`: somebody has accepted the token; asking again tells what comes of it. */
  tokenAccepted(): void;
  /** The connection was lost, or closed. */
  ended(): void;
}

export type OpenLoginWire = (options: ConnectOptions, hears?: LoginEvents) => Promise<LoginWire>;
