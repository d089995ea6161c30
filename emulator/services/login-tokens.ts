import { randomBytes } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { AuthKeyStore } from "../dc/auth-keys.ts";
import { RpcError } from "../dc/service.ts";
import { encodeLoginTokenUpdate } from "../tl/write-login-token.ts";
import type { World } from "../world/model.ts";
import type { Logins } from "./logins.ts";

const TOKEN_BYTES = 32;

/** A token that some client shows as a QR code. */
interface ShownToken {
  readonly keyId: bigint;
  readonly dcId: number;
  readonly apiId: number;
  /** Monotonic milliseconds. */
  readonly until: number;
  accepted: boolean;
}

/** What an accepted token becomes where the account lives in another data center: to be imported there, once. */
interface CarriedToken {
  readonly fromKeyId: bigint;
  readonly accountId: bigint;
  readonly dcId: number;
  readonly until: number;
  imported: boolean;
}

/** Logins by QR code under way (core.telegram.org/api/qr-login). In memory. */
export interface LoginTokens {
  /** A new token for this key; the ones before stay good to their end. `expires` is in Unix seconds. */
  show(key: { keyId: bigint; dcId: number; apiId: number }): { readonly token: Buffer; readonly expires: number };
  /** Where the account that has accepted this key's token lives, when that is another data center; null otherwise. */
  carry(keyId: bigint): { readonly dcId: number; readonly token: Buffer } | null;
  /** Takes a carried token; gives whose login it is. @throws RpcError AUTH_TOKEN_* */
  take(token: Buffer, dcId: number): bigint;
  /**
   * An account accepts a token that it has scanned. Where it has no password and lives in the token's data center, the
   * key is logged in from now on, whether or not its client ever asks again: that is what a forgotten login leaves.
   *
   * @throws RpcError AUTH_TOKEN_INVALIDX, AUTH_TOKEN_EXPIRED or AUTH_TOKEN_ALREADY_ACCEPTED
   */
  accept(token: Buffer, accountId: bigint): { readonly apiId: number };
}

export function createLoginTokens(options: {
  readonly world: World;
  readonly logins: Pick<Logins, "secondSteps">;
  readonly keys: Pick<AuthKeyStore, "get" | "change">;
  /** How long a token lives: whole seconds. */
  readonly seconds: number;
  /** Sends an update to the connections of a key; null where clients must find out by asking. */
  readonly push: ((keyId: bigint, update: Buffer) => unknown) | null;
  readonly clock: Clock;
}): LoginTokens {
  const { world, logins, keys, clock } = options;
  const shown = new Map<string, ShownToken>();
  const carried = new Map<string, CarriedToken>();
  /** Keys whose token was accepted by an account of another data center. */
  const moving = new Map<bigint, bigint>();
  const until = () => clock.monotonic() + options.seconds * 1000;

  function forgetOld(): void {
    const longAgo = clock.monotonic() - options.seconds * 10_000;
    for (const tokens of [shown, carried] as Map<string, { readonly until: number }>[])
      for (const [name, { until }] of tokens) if (until < longAgo) tokens.delete(name);
  }

  return {
    show({ keyId, dcId, apiId }) {
      forgetOld();
      const token = randomBytes(TOKEN_BYTES);
      shown.set(token.toString("hex"), { keyId, dcId, apiId, until: until(), accepted: false });
      return { token, expires: Math.floor(clock.now() / 1000) + options.seconds };
    },

    carry(keyId) {
      const accountId = moving.get(keyId);
      if (accountId === undefined) return null;
      const { dcId } = world.users.get(accountId)!;
      const token = randomBytes(TOKEN_BYTES);
      carried.set(token.toString("hex"), { fromKeyId: keyId, accountId, dcId, until: until(), imported: false });
      return { dcId, token };
    },

    take(token, dcId) {
      const known = carried.get(token.toString("hex"));
      if (!known || known.dcId !== dcId) throw new RpcError(400, "AUTH_TOKEN_INVALID");
      if (known.imported) throw new RpcError(400, "AUTH_TOKEN_ALREADY_ACCEPTED");
      if (known.until < clock.monotonic()) throw new RpcError(400, "AUTH_TOKEN_EXPIRED");
      known.imported = true;
      moving.delete(known.fromKeyId);
      return known.accountId;
    },

    accept(token, accountId) {
      const known = shown.get(token.toString("hex"));
      const key = known && keys.get(known.keyId);
      if (!known || !key || key.ended) throw new RpcError(400, "AUTH_TOKEN_INVALIDX");
      if (known.accepted || key.accountId !== null) throw new RpcError(400, "AUTH_TOKEN_ALREADY_ACCEPTED");
      if (known.until < clock.monotonic()) throw new RpcError(400, "AUTH_TOKEN_EXPIRED");
      const user = world.users.get(accountId);
      if (!user) throw new RpcError(401, "AUTH_KEY_UNREGISTERED");
      known.accepted = true;
      if (user.dcId !== known.dcId) moving.set(known.keyId, accountId);
      else if (user.password !== null) logins.secondSteps.set(known.keyId, accountId);
      else keys.change(key, { accountId, apiId: known.apiId });
      options.push?.(known.keyId, encodeLoginTokenUpdate(Math.floor(clock.now() / 1000)));
      return { apiId: known.apiId };
    },
  };
}
