import type { CodeTicketView } from "../../login/tickets.ts";
import { ApiError } from "./errors.ts";

type Refusal = readonly [status: number, code: string, message: string];

/** What a login by phone and code is refused with, by the reason that its ticket names. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  PHONE_NUMBER_INVALID: [400, "phone_number_invalid", "Telegram knows no such phone number"],
  PHONE_NUMBER_BANNED: [403, "phone_number_banned", "Telegram has banned this phone number"],
  PHONE_NUMBER_FLOOD: [429, "flood_wait", "too many codes were asked for with this phone number: try again tomorrow"],
  PHONE_PASSWORD_FLOOD: [429, "flood_wait", "too many logins of this phone number: try again tomorrow"],
  PHONE_NUMBER_UNOCCUPIED: [404, "phone_number_unoccupied", "no Telegram account has this phone number"],
  PHONE_NUMBER_APP_SIGNUP_FORBIDDEN: [403, "phone_number_unoccupied", "no Telegram account has this phone number"],
  PHONE_CODE_INVALID: [400, "phone_code_invalid", "this is not the code that Telegram has sent"],
  PHONE_CODE_EMPTY: [400, "phone_code_empty", "the code is empty"],
  PHONE_CODE_EXPIRED: [410, "phone_code_expired", "the code has expired: ask for a new one"],
  PASSWORD_HASH_INVALID: [400, "password_invalid", "this is not the two-step password"],
  PASSWORD_EMPTY: [400, "password_invalid", "this is not the two-step password"],
  SRP_ID_INVALID: [409, "srp_id_invalid", "the proof is made from parameters that are no longer good: make a new one"],
  SRP_A_INVALID: [400, "password_invalid", "this is no proof of the two-step password"],
  SRP_PASSWORD_CHANGED: [409, "password_changed", "the two-step password has just been changed"],
  SEND_CODE_UNAVAILABLE: [409, "no_other_way", "Telegram has no other way of sending the code"],
  CODES_USED_UP: [429, "codes_used_up", "no more codes are sent today: log in by QR code, or try again tomorrow"],
  FLOOD_WAIT: [429, "flood_wait", "Telegram asks to wait"],
  API_ID_INVALID: [400, "api_id_invalid", "Telegram refuses this API ID and hash"],
  API_ID_PUBLISHED_FLOOD: [400, "api_id_invalid", "Telegram refuses this API ID: it has been published"],
  TELEGRAM_UNAVAILABLE: [502, "telegram_unavailable", "Telegram could not be reached: try again"],
  ACCOUNT_FROZEN: [403, "account_frozen", "Telegram has frozen this account"],
  UNKNOWN_USER: [403, "unknown_user", "this Telegram account is no user here: it needs an invite"],
  INVITE_UNKNOWN: [403, "invite_refused", "this invite code is not known"],
  INVITE_REVOKED: [403, "invite_refused", "this invite was taken back"],
  INVITE_EXPIRED: [403, "invite_refused", "this invite has expired"],
  INVITE_USED_UP: [403, "invite_refused", "this invite has been used"],
  CONSENT_MISSING: [403, "consent_missing", "the person was not shown what they agree to: see GET /api/terms"],
  LOGGED_IN_ALREADY: [409, "logged_in_already", "this account is logged in here already"],
  unexpected: [502, "login_failed", "this login has failed: begin a new one"],
  LOGIN_UNDER_WAY: [409, "login_under_way", "another login of this account is under way: try again in a moment"],
};

const STATES: Readonly<Record<CodeTicketView["state"], Refusal>> = {
  PENDING_CODE: [409, "code_asked", "the code that Telegram has sent is asked for"],
  PENDING_PASSWORD: [409, "password_asked", "the two-step password is asked for"],
  AUTHORIZED: [409, "logged_in_already", "this login is complete"],
  expired: [410, "expired", "this login has expired: begin a new one"],
  cancelled: [410, "cancelled", "this login was cancelled: begin a new one"],
  wrong_account: [403, "wrong_account", "that phone is another account's: it was logged out again, nothing is kept"],
  failed: [410, "login_failed", "this login has failed: begin a new one"],
};

/** Why the last answer was refused, or the login has come to nothing; else what it waits for instead. */
export function refusalOf(view: Pick<CodeTicketView, "state" | "reason" | "retryAt">, now: number): ApiError {
  const known = view.state === "wrong_account" || view.reason === null ? undefined : REFUSALS[view.reason];
  const [status, code, message] = known ?? STATES[view.state];
  return new ApiError(status, code, message, status === 429 ? { "retry-after": retryAfter(view.retryAt, now) } : {});
}

const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1_000;

/** Telegram's "too many" without a time is of a day; so are the codes that an API ID may send. */
const retryAfter = (at: Date | null, now: number): string =>
  String(Math.max(1, Math.ceil(((at?.getTime() ?? Math.ceil((now + 1) / DAY_MS) * DAY_MS) - now) / 1_000)));
