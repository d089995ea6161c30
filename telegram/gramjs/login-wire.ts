import { Api } from "telegram/tl/api.js";
import type { Me } from "../api.ts";
import { LoginRefused, RpcRefused } from "../errors.ts";
import type { LoginEvents, LoginToken, OpenLoginWire, SentCode } from "../login/login-wire.ts";
import type { PasswordParameters, PasswordProof } from "../login/password.ts";
import { MovedTo } from "./classify.ts";
import { fromLong, snakeCased, toLong } from "./ids.ts";
import { openWire } from "./open-wire.ts";
import { provePassword } from "./srp.ts";
import { toMe } from "./to-channel.ts";
import type { Wire } from "./wire.ts";

/** A phone's home is one data center away; a second move would be Telegram changing its mind. */
const MOST_MOVES = 2;

/** Needs no login: what a connection without an account begins with. */
const getConfig = () => ({ method: "help.getConfig", request: new Api.help.GetConfig() });

/** Logs in over GramJS's raw calls. Its own `start` and `signInUser` ask back and retry by themselves. */
export const openLoginWire: OpenLoginWire = async (options, hears) => {
  let turn = 0;
  const open = async (dcId?: number): Promise<Wire> => {
    turn += 1;
    const mine = turn;
    // A wire that was left behind for another data center has nothing to say any more.
    const events = hears && { hears: wireEvents(hears, () => mine === turn) };
    const opened = await openWire({ ...options, ...(dcId === undefined ? {} : { dcId }), ...events }, getConfig());
    return opened.wire;
  };
  let wire: Wire | null = await open();
  let closed = false;

  const moveTo = async (dcId: number): Promise<void> => {
    const left = wire;
    wire = null;
    turn += 1;
    await left?.close();
    const opened = await open(dcId);
    wire = opened;
    // Closed while moving: what opened late must not stay.
    if (closed) await opened.close();
  };

  /** Telegram sends a login on to the account's data center: by a new key there, under the same gate. */
  const call = async <R extends Api.AnyRequest>(method: string, request: R, moves = 0): Promise<R["__response"]> => {
    try {
      return await options.policy.run({ method }, () => current().invoke(method, request));
    } catch (error) {
      if (!(error instanceof MovedTo) || moves >= MOST_MOVES || closed) throw error;
      await moveTo(error.dcId);
      return call(method, request, moves + 1);
    }
  };
  const current = (): Wire => {
    if (!wire) throw new RpcRefused("NOT_CONNECTED", "login", 0);
    return wire;
  };

  const passwordParameters = async (): Promise<PasswordParameters> =>
    toParameters(await call("account.getPassword", new Api.account.GetPassword()));

  const checkProof = async (proof: PasswordProof): Promise<Me> => {
    const method = "auth.checkPassword";
    const { srpId, A, M1 } = proof;
    const password = new Api.InputCheckPasswordSRP({ srpId: toLong(srpId), A, M1 });
    return toOwner(await call(method, new Api.auth.CheckPassword({ password })), method);
  };

  const checkPassword = async (text: string) => checkProof(await provePassword(await passwordParameters(), text));

  return {
    async sendCode(phoneNumber) {
      const method = "auth.sendCode";
      const settings = new Api.CodeSettings({});
      const request = new Api.auth.SendCode({ phoneNumber, ...options.api, settings });
      return toSentCode(await call(method, request), method);
    },
    async resendCode(phoneNumber, phoneCodeHash) {
      const method = "auth.resendCode";
      return toSentCode(await call(method, new Api.auth.ResendCode({ phoneNumber, phoneCodeHash })), method);
    },
    async signIn(phoneNumber, phoneCodeHash, phoneCode) {
      const method = "auth.signIn";
      return toOwner(await call(method, new Api.auth.SignIn({ phoneNumber, phoneCodeHash, phoneCode })), method);
    },
    async exportToken() {
      const method = "auth.exportLoginToken";
      return toToken(await call(method, new Api.auth.ExportLoginToken({ ...options.api, exceptIds: [] })), method);
    },
    moveTo,
    async importToken(token) {
      const method = "auth.importLoginToken";
      return toToken(await call(method, new Api.auth.ImportLoginToken({ token })), method);
    },
    passwordParameters,
    checkProof,
    async checkPassword(text) {
      try {
        return await checkPassword(text);
      } catch (error) {
        // The parameters go stale after a while: asked for again, once.
        if (!(error instanceof LoginRefused) || error.errorName !== "SRP_ID_INVALID") throw error;
        return checkPassword(text);
      }
    },
    async logOut() {
      await call("auth.logOut", new Api.auth.LogOut());
    },
    destroyKey: () => current().destroyKey(),
    session: () => current().session(),
    async close() {
      closed = true;
      await wire?.close();
    },
  };
};

function wireEvents(hears: LoginEvents, isCurrent: () => boolean) {
  return {
    pushed(object: unknown) {
      if (isCurrent() && object instanceof Api.UpdateShort && object.update instanceof Api.UpdateLoginToken)
        hears.tokenAccepted();
    },
    ended() {
      if (isCurrent()) hears.ended();
    },
  };
}

function toSentCode(answer: Api.auth.TypeSentCode, method: string): SentCode {
  // The others: logged in by a future auth token (we send none), or a paid code.
  if (answer.className !== "auth.SentCode") throw new LoginRefused("SEND_CODE_UNAVAILABLE", method);
  return {
    phoneCodeHash: answer.phoneCodeHash,
    type: snakeCased(answer.type.className, "auth.SentCodeType"),
    length: "length" in answer.type ? (answer.type.length ?? null) : null,
    nextType: answer.nextType ? snakeCased(answer.nextType.className, "auth.CodeType") : null,
    timeout: answer.timeout ?? null,
  };
}

function toOwner(answer: Api.auth.TypeAuthorization, method: string): Me {
  if (answer.className !== "auth.Authorization") throw new LoginRefused("PHONE_NUMBER_UNOCCUPIED", method);
  return toMe(answer.user, method);
}

function toToken(answer: Api.auth.TypeLoginToken, method: string): LoginToken {
  switch (answer.className) {
    case "auth.LoginToken":
      return { kind: "token", token: answer.token, expiresAt: new Date(answer.expires * 1000) };
    case "auth.LoginTokenMigrateTo":
      return { kind: "moved", dcId: answer.dcId, token: answer.token };
    default:
      return { kind: "done", me: toOwner(answer.authorization, method) };
  }
}

function toParameters(answer: Api.account.Password): PasswordParameters {
  const { currentAlgo: algo, srp_B: srpB, srpId } = answer;
  if (!srpB || !srpId || algo?.className !== "PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow")
    throw new RpcRefused("PASSWORD_ALGORITHM_UNKNOWN", "account.getPassword", 0);
  const { salt1, salt2, g, p } = algo;
  return { srpId: fromLong(srpId), srpB, salt1, salt2, g, p, hint: answer.hint ?? null };
}
