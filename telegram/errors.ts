/**
 * What can go wrong at Telegram, as data. Classified by name, never by code, once: in `classify` of this folder's
 * GramJS adapter. Nothing else looks at an RPC error's text.
 */
export abstract class TelegramError extends Error {
  abstract readonly kind: string;
  /** Telegram's own name for it, CHANNEL_PRIVATE for example; empty where it has none. */
  readonly errorName: string;
  readonly method: string;

  constructor(errorName: string, method: string, message?: string) {
    super(message ?? `${method}: ${errorName}`);
    this.errorName = errorName;
    this.method = method;
    this.name = new.target.name;
  }
}

/** FLOOD_WAIT_X, FLOOD_PREMIUM_WAIT_X, SLOWMODE_WAIT_X and their kin: nothing of this kind before `seconds` are over. */
export class FloodWait extends TelegramError {
  readonly kind = "flood_wait";
  readonly seconds: number;
  /** Whom it holds: the account for this method, or one chat only (slow mode). */
  readonly scope: "method" | "chat";

  constructor(errorName: string, method: string, seconds: number, scope: "method" | "chat" = "method") {
    super(errorName, method);
    this.seconds = seconds;
    this.scope = scope;
  }
}

/** The session is over at Telegram; only a new login helps. */
export class AuthLost extends TelegramError {
  readonly kind = "auth_lost";
}

/** A 401 whose name is not known: confirmed by one getMe before anything ends. */
export class AuthDoubtful extends TelegramError {
  readonly kind = "auth_doubtful";
}

/** FROZEN_METHOD_INVALID and its kin: a hold on the account, no wait. */
export class AccountFrozen extends TelegramError {
  readonly kind = "account_frozen";
}

/** API_ID_INVALID, API_ID_PUBLISHED_FLOOD: the API ID is out of service. */
export class ApiIdRefused extends TelegramError {
  readonly kind = "api_id_refused";
}

/** One channel is out of reach for this one account (CHANNEL_PRIVATE, CHANNEL_INVALID, USERNAME_NOT_OCCUPIED, …). */
export class PeerGone extends TelegramError {
  readonly kind = "peer_gone";
  readonly reason: "private" | "invalid" | "not_found" | "banned" | "not_a_channel";

  constructor(errorName: string, method: string, reason: PeerGone["reason"]) {
    super(errorName, method);
    this.reason = reason;
  }
}

/** PERSISTENT_TIMESTAMP_*: the channel's pts is not usable now ("outdated": keep it, back off) or ever ("invalid"). */
export class PtsUnusable extends TelegramError {
  readonly kind = "pts_unusable";
  readonly reason: "outdated" | "invalid";

  constructor(errorName: string, method: string, reason: PtsUnusable["reason"]) {
    super(errorName, method);
    this.reason = reason;
  }
}

/** Login answers that the user can act on: PHONE_CODE_INVALID, SESSION_PASSWORD_NEEDED, PHONE_NUMBER_BANNED, … */
export class LoginRefused extends TelegramError {
  readonly kind = "login_refused";
}

/** A deadline passed, a connection broke, Telegram had a moment of its own (500, -503): worth another try. */
export class Transient extends TelegramError {
  readonly kind = "transient";
}

/** Telegram refused the request for a reason that no retry and no wait changes, and that we do not know better. */
export class RpcRefused extends TelegramError {
  readonly kind = "rpc_refused";
  readonly code: number;

  constructor(errorName: string, method: string, code: number) {
    super(errorName, method);
    this.code = code;
  }
}

/** The lease is not ours any more: the gate refused to write. Not Telegram's doing. */
export class LeaseLost extends TelegramError {
  readonly kind = "lease_lost";
}

export type WaitScope = "method" | "chat" | "api_method" | "api_id";

/** A wait that Telegram asked for is not over, and is too long to be waited in place: nothing was sent. */
export class WaitRunning extends TelegramError {
  readonly kind = "wait_running";
  readonly until: Date;
  /** Whom it holds: this account for the method, one chat of it, the method for the API ID, or the whole API ID. */
  readonly scope: WaitScope;

  constructor(method: string, until: Date, scope: WaitScope) {
    super("WAIT_RUNNING", method, `${method} waits until ${until.toISOString()}`);
    this.until = until;
    this.scope = scope;
  }
}
