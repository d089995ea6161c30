import { computeCheck } from "telegram/Password.js";
import { Api } from "telegram/tl/api.js";
import type { Me } from "../api.ts";
import { LoginRefused, RpcRefused } from "../errors.ts";
import type { OpenLoginWire, SentCode } from "../login/login-wire.ts";
import { MovedTo } from "./classify.ts";
import { snakeCased } from "./ids.ts";
import { toMe } from "./to-channel.ts";
import { openWire } from "./wire.ts";

/** A phone's home is one data center away; a second move would be Telegram changing its mind. */
const MOST_MOVES = 2;

/** Needs no login: what a connection without an account begins with. */
const getConfig = () => ({ method: "help.getConfig", request: new Api.help.GetConfig() });

/** Logs in over GramJS's raw calls. Its own `start` and `signInUser` ask back and retry by themselves. */
export const openLoginWire: OpenLoginWire = async (options) => {
  let { wire } = await openWire(options, getConfig());
  let closed = false;

  /** Telegram sends a login on to the account's data center: by a new key there, under the same gate. */
  const call = async <R extends Api.AnyRequest>(method: string, request: R, moves = 0): Promise<R["__response"]> => {
    try {
      return await options.policy.run({ method }, () => wire.invoke(method, request));
    } catch (error) {
      if (!(error instanceof MovedTo) || moves >= MOST_MOVES || closed) throw error;
      await wire.close();
      ({ wire } = await openWire({ ...options, dcId: error.dcId }, getConfig()));
      // Closed while moving: what opened late must not stay.
      if (closed) await wire.close();
      return call(method, request, moves + 1);
    }
  };

  const password = async (text: string): Promise<Api.auth.TypeAuthorization> => {
    const asked = await call("account.getPassword", new Api.account.GetPassword());
    const proof = await computeCheck(asked, text).catch(() => {
      throw new RpcRefused("PASSWORD_ALGORITHM_UNKNOWN", "account.getPassword", 0);
    });
    return call("auth.checkPassword", new Api.auth.CheckPassword({ password: proof }));
  };

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
    async checkPassword(text) {
      const method = "auth.checkPassword";
      try {
        return toOwner(await password(text), method);
      } catch (error) {
        // The parameters go stale after a while: asked for again, once.
        if (!(error instanceof LoginRefused) || error.errorName !== "SRP_ID_INVALID") throw error;
        return toOwner(await password(text), method);
      }
    },
    async logOut() {
      await call("auth.logOut", new Api.auth.LogOut());
    },
    session: () => wire.session(),
    close() {
      closed = true;
      return wire.close();
    },
  };
};

function toSentCode(answer: Api.auth.TypeSentCode, method: string): SentCode {
  // The others: logged in by a future auth token (we send none), or a paid code.
  if (answer.className !== "auth.SentCode") throw new LoginRefused("SEND_CODE_UNAVAILABLE", method);
  return {
    phoneCodeHash: answer.phoneCodeHash,
    type: snakeCased(answer.type.className, "auth.SentCodeType"),
    timeout: answer.timeout ?? null,
  };
}

function toOwner(answer: Api.auth.TypeAuthorization, method: string): Me {
  if (answer.className !== "auth.Authorization") throw new LoginRefused("PHONE_NUMBER_UNOCCUPIED", method);
  return toMe(answer.user, method);
}
