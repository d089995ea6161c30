import { BadMessageError, InvalidBufferError, SecurityError, TypeNotFoundError } from "telegram/errors/Common.js";
import { RPCError } from "telegram/errors/RPCBaseErrors.js";
import {
  FloodTestPhoneWaitError,
  FloodWaitError,
  NetworkMigrateError,
  PhoneMigrateError,
  SlowModeWaitError,
  UserMigrateError,
} from "telegram/errors/RPCErrorList.js";
import { DeadlinePassed } from "../../runtime/deadline.ts";
import {
  AccountFrozen,
  ApiIdRefused,
  AuthDoubtful,
  AuthLost,
  FloodWait,
  LoginRefused,
  PeerGone,
  PtsUnusable,
  RpcRefused,
  TelegramError,
  Transient,
} from "../errors.ts";

/** An answer holds a constructor that our TL layer does not know: the whole answer is unreadable. */
export const UNREADABLE_ANSWER = "UNREADABLE_ANSWER";

/** PHONE_MIGRATE_X, USER_MIGRATE_X, NETWORK_MIGRATE_X: the account lives in another data center. Logins follow it there. */
export class MovedTo extends RpcRefused {
  readonly dcId: number;

  constructor(errorName: string, method: string, dcId: number) {
    super(errorName, method, 303);
    this.dcId = dcId;
  }
}

/** TDLib's bounds for a wait (td/telegram/net/NetQueryDispatcher): at least a second, at most 14 days. */
const LONGEST_WAIT_SECONDS = 14 * 24 * 3_600;

const AUTH_LOST = new Set([
  "AUTH_KEY_UNREGISTERED",
  "AUTH_KEY_INVALID",
  "AUTH_KEY_DUPLICATED",
  "SESSION_REVOKED",
  "SESSION_EXPIRED",
  "USER_DEACTIVATED",
  "USER_DEACTIVATED_BAN",
]);

const API_ID_REFUSED = new Set(["API_ID_INVALID", "API_ID_PUBLISHED_FLOOD"]);

const PEER_GONE: ReadonlyMap<string, PeerGone["reason"]> = new Map([
  ["CHANNEL_PRIVATE", "private"],
  ["CHANNEL_PUBLIC_GROUP_NA", "private"],
  ["CHAT_FORBIDDEN", "private"],
  ["CHANNEL_INVALID", "invalid"],
  ["CHANNEL_ID_INVALID", "invalid"],
  ["CHAT_ID_INVALID", "invalid"],
  ["PEER_ID_INVALID", "invalid"],
  ["PEER_ID_NOT_SUPPORTED", "not_a_channel"],
  ["CHANNEL_MONOFORUM_UNSUPPORTED", "not_a_channel"],
  ["USERNAME_NOT_OCCUPIED", "not_found"],
  ["USERNAME_INVALID", "not_found"],
  ["USER_BANNED_IN_CHANNEL", "banned"],
  ["USER_KICKED", "banned"],
  ["CHAT_RESTRICTED", "banned"],
]);

const PTS_UNUSABLE: ReadonlyMap<string, PtsUnusable["reason"]> = new Map([
  ["PERSISTENT_TIMESTAMP_OUTDATED", "outdated"],
  ["PERSISTENT_TIMESTAMP_INVALID", "invalid"],
  ["PERSISTENT_TIMESTAMP_EMPTY", "invalid"],
]);

const LOGIN_REFUSED = new Set([
  "PHONE_NUMBER_INVALID",
  "PHONE_NUMBER_BANNED",
  "PHONE_NUMBER_FLOOD",
  "PHONE_NUMBER_UNOCCUPIED",
  "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN",
  "PHONE_PASSWORD_FLOOD",
  "PHONE_PASSWORD_PROTECTED",
  "PHONE_CODE_INVALID",
  "PHONE_CODE_EMPTY",
  "PHONE_CODE_EXPIRED",
  "PHONE_CODE_HASH_EMPTY",
  "PHONE_HASH_EXPIRED",
  "CODE_HASH_INVALID",
  "SMS_CODE_CREATE_FAILED",
  "SEND_CODE_UNAVAILABLE",
  "UPDATE_APP_TO_LOGIN",
  "AUTH_RESTART",
  "SIGN_IN_FAILED",
  "SESSION_PASSWORD_NEEDED",
  "PASSWORD_HASH_INVALID",
  "PASSWORD_EMPTY",
  "SRP_ID_INVALID",
  "SRP_A_INVALID",
  "SRP_PASSWORD_CHANGED",
  "AUTH_TOKEN_INVALID",
  "AUTH_TOKEN_INVALIDX",
  "AUTH_TOKEN_EXPIRED",
  "AUTH_TOKEN_ALREADY_ACCEPTED",
  "AUTH_TOKEN_EXCEPTION",
]);

const TRANSIENT = new Set(["RPC_CALL_FAIL", "RPC_MCGET_FAIL", "RPC_CONNECT_FAILED", "MSG_WAIT_FAILED", "TIMEOUT"]);

/**
 * Turns whatever GramJS throws at a call into the tree of `telegram/errors`. By name: codes are the same for unlike
 * things (CHANNEL_PRIVATE comes as 400 and as 406) and only decide where a name is not known.
 * The result never carries the original: GramJS's errors hold bytes of answers.
 */
export function classify(error: unknown, method: string): TelegramError {
  if (error instanceof TelegramError) return error;
  if (error instanceof SlowModeWaitError) return waitOf("SLOWMODE_WAIT", method, error.seconds);
  if (error instanceof FloodWaitError) return waitOf("FLOOD_WAIT", method, error.seconds);
  if (error instanceof FloodTestPhoneWaitError) return waitOf("FLOOD_TEST_PHONE_WAIT", method, error.seconds);
  if (error instanceof PhoneMigrateError) return new MovedTo("PHONE_MIGRATE", method, error.newDc);
  if (error instanceof UserMigrateError) return new MovedTo("USER_MIGRATE", method, error.newDc);
  if (error instanceof NetworkMigrateError) return new MovedTo("NETWORK_MIGRATE", method, error.newDc);
  if (error instanceof BadMessageError) return new Transient("BAD_MESSAGE", method);
  if (error instanceof RPCError) return classifyRpc(rpcName(error), error.code ?? 0, method);
  if (error instanceof TypeNotFoundError) return new RpcRefused(UNREADABLE_ANSWER, method, 0);
  if (error instanceof SecurityError) return new Transient("SECURITY_CHECK_FAILED", method);
  if (error instanceof InvalidBufferError) return new Transient("INVALID_BUFFER", method);
  if (error instanceof DeadlinePassed) return new Transient("DEADLINE_PASSED", method);
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return new Transient(error.code, method);
  }
  return new Transient("CONNECTION_FAILED", method);
}

/** What an `rpc_error` of this name and code is. */
export function classifyRpc(name: string, code: number, method: string): TelegramError {
  const wait = /^(.*(?:_WAIT|_DELAY))_(\d+)$/.exec(name);
  if (wait) return waitOf(wait[1]!, method, Number(wait[2]));
  const move = /^((?:PHONE|USER|NETWORK)_MIGRATE)_(\d+)$/.exec(name);
  if (move) return new MovedTo(move[1]!, method, Number(move[2]));
  if (AUTH_LOST.has(name)) return new AuthLost(name, method);
  if (name.startsWith("FROZEN_")) return new AccountFrozen(name, method);
  if (API_ID_REFUSED.has(name)) return new ApiIdRefused(name, method);
  const gone = PEER_GONE.get(name);
  if (gone) return new PeerGone(name, method, gone);
  const pts = PTS_UNUSABLE.get(name);
  if (pts) return new PtsUnusable(name, method, pts);
  if (LOGIN_REFUSED.has(name)) return new LoginRefused(name, method);
  if (TRANSIENT.has(name.toUpperCase())) return new Transient(name, method);
  if (code === 401) return new AuthDoubtful(name, method);
  if (code >= 500 && code !== 501) return new Transient(name, method);
  if (code < 0) return new Transient(name, method);
  return new RpcRefused(name, method, code);
}

function waitOf(name: string, method: string, seconds: number): FloodWait {
  const clamped = Math.min(LONGEST_WAIT_SECONDS, Math.max(1, seconds));
  return new FloodWait(name, method, clamped, name === "SLOWMODE_WAIT" ? "chat" : "method");
}

/** Names are words like CHANNEL_PRIVATE. What else a data center may say goes neither into logs nor into rows as it is. */
const NO_NAME = /[^\w ]/g;
const LONGEST_NAME = 64;

/** GramJS replaces the names of the errors that it knows by a class each; their classes name them then. */
function rpcName(error: RPCError): string {
  const named = {
    MsgWaitError: "MSG_WAIT_FAILED",
    FileMigrateError: "FILE_MIGRATE",
    EmailUnconfirmedError: "EMAIL_UNCONFIRMED",
  }[error.constructor.name];
  return named ?? error.errorMessage.replace(NO_NAME, "?").slice(0, LONGEST_NAME);
}
