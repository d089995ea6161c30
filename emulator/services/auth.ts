import { type Handler, type Handlers, type RpcContext, RpcError } from "../dc/service.ts";
import { encodeBool } from "../tl/write-config.ts";
import {
  encodeAuthorization,
  encodeExportedAuthorization,
  encodeLoggedOut,
  encodeSentCode,
  encodeSignUpRequired,
} from "../tl/write-login.ts";
import type { WorldUser } from "../world/model.ts";
import { bytesArgument, intArgument, longArgument, objectArgument, textArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";
import { knownPhone, phoneDigits } from "./phones.ts";

/** Logging in by code and password, and out (core.telegram.org/api/auth). */
export function authHandlers({ world, access, logins, dataCenters, apiIds }: ServiceDeps): Handlers {
  const authorized = (user: WorldUser, context: RpcContext): Buffer => {
    logins.secondSteps.delete(context.key.keyId);
    context.authorize(user.id);
    return encodeAuthorization(user, access.userHash(user.id, user.id));
  };

  const sendCode: Handler = (request, context) => {
    const apiId = intArgument(request, "apiId");
    const apiHash = textArgument(request, "apiHash");
    if (!apiIds.some((pair) => pair.apiId === apiId && pair.apiHash === apiHash)) {
      throw new RpcError(400, "API_ID_INVALID");
    }
    const known = knownPhone(world, textArgument(request, "phoneNumber"));
    if (!known || !dataCenters().some(({ id }) => id === known.dcId)) throw new RpcError(400, "PHONE_NUMBER_INVALID");
    if (logins.banned.has(known.phone)) throw new RpcError(400, "PHONE_NUMBER_BANNED");
    if (known.dcId !== context.dcId) throw new RpcError(303, `PHONE_MIGRATE_${known.dcId}`);
    return encodeSentCode(logins.send(known.phone, known.code));
  };

  const resendCode: Handler = (request) => {
    const phone = phoneDigits(textArgument(request, "phoneNumber"));
    return encodeSentCode(logins.resend(phone, textArgument(request, "phoneCodeHash")));
  };

  const cancelCode: Handler = (request) => {
    const phone = phoneDigits(textArgument(request, "phoneNumber"));
    if (!logins.cancel(phone, textArgument(request, "phoneCodeHash"))) throw new RpcError(400, "PHONE_CODE_EXPIRED");
    return encodeBool(true);
  };

  const signIn: Handler = (request, context) => {
    const known = knownPhone(world, textArgument(request, "phoneNumber"));
    if (!known) throw new RpcError(400, "PHONE_NUMBER_INVALID");
    if (known.dcId !== context.dcId) throw new RpcError(303, `PHONE_MIGRATE_${known.dcId}`);
    logins.check(known.phone, textArgument(request, "phoneCodeHash"), textArgument(request, "phoneCode"));
    if (!known.user) return encodeSignUpRequired();
    if (known.user.password !== null) {
      logins.secondSteps.set(context.key.keyId, known.user.id);
      throw new RpcError(401, "SESSION_PASSWORD_NEEDED");
    }
    return authorized(known.user, context);
  };

  const checkPassword: Handler = (request, context) => {
    const given = objectArgument(request, "password");
    const asked = logins.challenges.get(context.key.keyId);
    if (
      !asked ||
      given.className !== "InputCheckPasswordSRP" ||
      asked.challenge.srpId !== longArgument(given, "srpId")
    ) {
      throw new RpcError(400, "SRP_ID_INVALID");
    }
    logins.challenges.delete(context.key.keyId);
    if (!asked.challenge.accepts(bytesArgument(given, "A"), bytesArgument(given, "M1"))) {
      throw new RpcError(400, "PASSWORD_HASH_INVALID");
    }
    return authorized(world.users.get(asked.accountId)!, context);
  };

  const logOut: Handler = (_request, context) => {
    context.account();
    context.authorize(null);
    return encodeLoggedOut();
  };

  const exportAuthorization: Handler = (request, context) => {
    const dcId = intArgument(request, "dcId");
    if (dcId === context.dcId || !dataCenters().some(({ id }) => id === dcId)) throw new RpcError(400, "DC_ID_INVALID");
    const accountId = context.account();
    return encodeExportedAuthorization(accountId, logins.export(accountId));
  };

  const importAuthorization: Handler = (request, context) => {
    const accountId = longArgument(request, "id");
    logins.import(accountId, bytesArgument(request, "bytes"));
    return authorized(world.users.get(accountId)!, context);
  };

  return new Map([
    ["auth.SendCode", sendCode],
    ["auth.ResendCode", resendCode],
    ["auth.CancelCode", cancelCode],
    ["auth.SignIn", signIn],
    ["auth.CheckPassword", checkPassword],
    ["auth.LogOut", logOut],
    ["auth.ExportAuthorization", exportAuthorization],
    ["auth.ImportAuthorization", importAuthorization],
  ]);
}
