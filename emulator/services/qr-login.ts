import { type Handler, type Handlers, type RpcContext, RpcError } from "../dc/service.ts";
import {
  encodeAccepted,
  encodeLoginToken,
  encodeLoginTokenMigrateTo,
  encodeLoginTokenSuccess,
} from "../tl/write-login-token.ts";
import type { WorldUser } from "../world/model.ts";
import { bytesArgument, intArgument, textArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";

/** Logging in by a QR code (core.telegram.org/api/qr-login). */
export function qrLoginHandlers({ world, access, logins, loginTokens, apiIds }: ServiceDeps): Handlers {
  const success = (user: WorldUser): Buffer => encodeLoginTokenSuccess(user, access.userHash(user.id, user.id));

  /** The account may log in with this key: at once, or after its password. */
  const admit = (user: WorldUser, context: RpcContext): Buffer => {
    if (user.password !== null) {
      logins.secondSteps.set(context.key.keyId, user.id);
      throw new RpcError(401, "SESSION_PASSWORD_NEEDED");
    }
    context.authorize(user.id);
    return success(user);
  };

  const exportLoginToken: Handler = (request, context) => {
    const apiId = intArgument(request, "apiId");
    const apiHash = textArgument(request, "apiHash");
    if (!apiIds.some((pair) => pair.apiId === apiId && pair.apiHash === apiHash))
      throw new RpcError(400, "API_ID_INVALID");
    const { key, dcId } = context;
    if (key.accountId !== null) return success(world.users.get(key.accountId)!);
    if (logins.secondSteps.has(key.keyId)) throw new RpcError(401, "SESSION_PASSWORD_NEEDED");
    const elsewhere = loginTokens.carry(key.keyId);
    if (elsewhere) return encodeLoginTokenMigrateTo(elsewhere.dcId, elsewhere.token);
    const { token, expires } = loginTokens.show({ keyId: key.keyId, dcId, apiId });
    return encodeLoginToken(expires, token);
  };

  const importLoginToken: Handler = (request, context) => {
    const accountId = loginTokens.take(bytesArgument(request, "token"), context.dcId);
    return admit(world.users.get(accountId)!, context);
  };

  const acceptLoginToken: Handler = (request, context) => {
    const { apiId } = loginTokens.accept(bytesArgument(request, "token"), context.account());
    return encodeAccepted(apiId, Math.floor(context.now / 1000));
  };

  return new Map([
    ["auth.ExportLoginToken", exportLoginToken],
    ["auth.ImportLoginToken", importLoginToken],
    ["auth.AcceptLoginToken", acceptLoginToken],
  ]);
}
