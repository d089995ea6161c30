import { InvalidBufferError, SecurityError, TypeNotFoundError } from "telegram/errors/Common.js";
import { RPCMessageToError } from "telegram/errors/index.js";
import { Api } from "telegram/tl/api.js";
import { describe, expect, it } from "vitest";
import { DeadlinePassed } from "../../runtime/deadline.ts";
import { FloodWait, PeerGone, PtsUnusable, RpcRefused, TelegramError, Transient } from "../../telegram/errors.ts";
import { classify, classifyRpc, MovedTo, UNREADABLE_ANSWER } from "../../telegram/gramjs/classify.ts";

const METHOD = "messages.getHistory";

/** As GramJS throws it when a data center answers with this `rpc_error`. */
function answered(code: number, name: string): unknown {
  const request = new Api.help.GetConfig();
  return RPCMessageToError(new Api.RpcError({ errorCode: code, errorMessage: name }), request);
}

describe("classify", () => {
  it.each([
    [401, "AUTH_KEY_UNREGISTERED", "auth_lost"],
    [401, "AUTH_KEY_INVALID", "auth_lost"],
    [406, "AUTH_KEY_DUPLICATED", "auth_lost"],
    [401, "SESSION_REVOKED", "auth_lost"],
    [401, "SESSION_EXPIRED", "auth_lost"],
    [401, "USER_DEACTIVATED", "auth_lost"],
    [401, "USER_DEACTIVATED_BAN", "auth_lost"],
    [401, "SOMETHING_NEW", "auth_doubtful"],
    [401, "SESSION_PASSWORD_NEEDED", "login_refused"],
    [406, "SOMETHING_NEW", "rpc_refused"],
    [406, "UPDATE_APP_TO_LOGIN", "login_refused"],
    [406, "SEND_CODE_UNAVAILABLE", "login_refused"],
    [406, "PHONE_PASSWORD_FLOOD", "login_refused"],
    [406, "FILEREF_UPGRADE_NEEDED", "rpc_refused"],
    [400, "PHONE_CODE_INVALID", "login_refused"],
    [400, "PHONE_NUMBER_BANNED", "login_refused"],
    [400, "PASSWORD_HASH_INVALID", "login_refused"],
    [500, "AUTH_RESTART", "login_refused"],
    [400, "API_ID_INVALID", "api_id_refused"],
    [400, "API_ID_PUBLISHED_FLOOD", "api_id_refused"],
    [420, "FROZEN_METHOD_INVALID", "account_frozen"],
    [400, "FROZEN_PARTICIPANT_MISSING", "account_frozen"],
    [400, "CHANNEL_PRIVATE", "peer_gone"],
    [406, "CHANNEL_PRIVATE", "peer_gone"],
    [400, "CHANNEL_INVALID", "peer_gone"],
    [400, "USERNAME_NOT_OCCUPIED", "peer_gone"],
    [400, "USER_BANNED_IN_CHANNEL", "peer_gone"],
    [500, "PERSISTENT_TIMESTAMP_OUTDATED", "pts_unusable"],
    [400, "PERSISTENT_TIMESTAMP_INVALID", "pts_unusable"],
    [400, "PERSISTENT_TIMESTAMP_EMPTY", "pts_unusable"],
    [500, "RPC_CALL_FAIL", "transient"],
    [500, "INTERNAL_SOMETHING", "transient"],
    [-503, "Timeout", "transient"],
    [500, "MSG_WAIT_FAILED", "transient"],
    [501, "METHOD_NOT_SERVED", "rpc_refused"],
    [400, "LIMIT_INVALID", "rpc_refused"],
    [420, "PEER_FLOOD", "rpc_refused"],
  ])("%i %s is %s", (code, name, kind) => {
    const error = classify(answered(code, name), METHOD);
    expect(error.kind).toBe(kind);
    expect(error.method).toBe(METHOD);
    expect(error.errorName).toBe(name);
  });

  it.each([
    ["FLOOD_WAIT_37", "FLOOD_WAIT", 37, "method"],
    ["FLOOD_PREMIUM_WAIT_5", "FLOOD_WAIT", 5, "method"],
    ["FLOOD_TEST_PHONE_WAIT_3", "FLOOD_TEST_PHONE_WAIT", 3, "method"],
    ["SLOWMODE_WAIT_9", "SLOWMODE_WAIT", 9, "chat"],
    ["2FA_CONFIRM_WAIT_604800", "2FA_CONFIRM_WAIT", 604_800, "method"],
    ["TAKEOUT_INIT_DELAY_86400", "TAKEOUT_INIT_DELAY", 86_400, "method"],
    ["SOME_NEW_WAIT_12", "SOME_NEW_WAIT", 12, "method"],
    ["FLOOD_WAIT_0", "FLOOD_WAIT", 1, "method"],
    ["FLOOD_WAIT_99999999", "FLOOD_WAIT", 1_209_600, "method"],
  ] as const)("%s is a wait", (name, errorName, seconds, scope) => {
    expect(classify(answered(420, name), METHOD)).toMatchObject({ kind: "flood_wait", errorName, seconds, scope });
  });

  it("says no name that is none: PostgreSQL takes no NUL, and a log no line ends", () => {
    const { errorName } = classify(answered(400, `A\0B\nC\x1b[31m${"D".repeat(1_000)}`), METHOD);
    expect(errorName).toBe(`A?B?C??31m${"D".repeat(54)}`);
  });

  it("keeps the premium wait's name where it is still there", () => {
    expect(classifyRpc("FLOOD_PREMIUM_WAIT_5", 420, METHOD)).toEqual(
      new FloodWait("FLOOD_PREMIUM_WAIT", METHOD, 5, "method"),
    );
  });

  it.each([
    ["PHONE_MIGRATE_4", "PHONE_MIGRATE"],
    ["USER_MIGRATE_4", "USER_MIGRATE"],
    ["NETWORK_MIGRATE_4", "NETWORK_MIGRATE"],
  ])("%s names the data center", (name, errorName) => {
    const error = classify(answered(303, name), METHOD);
    expect(error).toBeInstanceOf(MovedTo);
    expect(error).toMatchObject({ errorName, dcId: 4, kind: "rpc_refused" });
  });

  it("says why a channel or a pts is of no use", () => {
    expect(classify(answered(406, "CHANNEL_PRIVATE"), METHOD)).toEqual(
      new PeerGone("CHANNEL_PRIVATE", METHOD, "private"),
    );
    expect(classify(answered(500, "PERSISTENT_TIMESTAMP_OUTDATED"), METHOD)).toEqual(
      new PtsUnusable("PERSISTENT_TIMESTAMP_OUTDATED", METHOD, "outdated"),
    );
  });

  it.each([
    [new DeadlinePassed("late"), "DEADLINE_PASSED"],
    [new SecurityError("nonce"), "SECURITY_CHECK_FAILED"],
    [new InvalidBufferError(Buffer.alloc(4)), "INVALID_BUFFER"],
    [Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
    [new Error("Request was unsuccessful 5 time(s)"), "CONNECTION_FAILED"],
    ["Maximum reconnection retries reached. Aborting!", "CONNECTION_FAILED"],
    [undefined, "CONNECTION_FAILED"],
  ])("%s is worth another try", (thrown, errorName) => {
    expect(classify(thrown, METHOD)).toEqual(new Transient(errorName, METHOD));
  });

  it("leaves classified errors as they are, and carries nothing of the original", () => {
    const known = new RpcRefused("X", METHOD, 400);
    expect(classify(known, "other")).toBe(known);
    const error = classify(new TypeNotFoundError(1, Buffer.from("bytes of an answer")), METHOD);
    expect(error).toBeInstanceOf(TelegramError);
    expect(error.errorName).toBe(UNREADABLE_ANSWER);
    expect(error.cause).toBeUndefined();
  });
});
