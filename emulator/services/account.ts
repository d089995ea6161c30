import { randomBytes } from "node:crypto";
import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import { encodeBool } from "../tl/write-config.ts";
import { encodePassword } from "../tl/write-login.ts";
import type { ServiceDeps } from "./deps.ts";
import { createSrpChallenge, kdfAlgo, passwordVerifier } from "./srp.ts";

/** The account's own matters: its two-step password, and whether it is online. */
export function accountHandlers({ world, logins, secret }: ServiceDeps): Handlers {
  const verifiers = new Map<bigint, Promise<bigint>>();

  const getPassword: Handler = async (_request, context) => {
    const accountId = logins.secondSteps.get(context.key.keyId) ?? context.account();
    const user = world.users.get(accountId);
    if (!user) throw new RpcError(401, "AUTH_KEY_UNREGISTERED");
    const algo = kdfAlgo(secret, accountId);
    const random = randomBytes(256);
    if (user.password === null) return encodePassword({ current: null, newAlgo: algo, random });
    let verifier = verifiers.get(accountId);
    if (!verifier) {
      verifier = passwordVerifier(algo, user.password);
      verifiers.set(accountId, verifier);
    }
    const challenge = createSrpChallenge(algo, await verifier);
    logins.challenges.set(context.key.keyId, { accountId, challenge });
    return encodePassword({
      current: { algo, srpB: challenge.publicValue, srpId: challenge.srpId },
      newAlgo: algo,
      random,
    });
  };

  const updateStatus: Handler = (_request, context) => {
    context.account();
    return encodeBool(true);
  };

  return new Map<string, Handler>([
    ["account.GetPassword", getPassword],
    ["account.UpdateStatus", updateStatus],
  ]);
}
