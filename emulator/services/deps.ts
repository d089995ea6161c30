import type { World } from "../world/model.ts";
import type { Access } from "./access.ts";
import type { LoginTokens } from "./login-tokens.ts";
import type { Logins } from "./logins.ts";

export interface ApiIdPair {
  readonly apiId: number;
  readonly apiHash: string;
}

export interface DataCenterAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** What Telegram's documents leave open, or what differs from time to time: tests turn it both ways. */
export interface ServiceRules {
  /**
   * Whether `messages.getPeerDialogs` and `updates.getChannelDifference` serve public channels that the account has not
   * joined; if not they answer CHANNEL_PRIVATE. Telegram does not document it.
   */
  readonly servesUnjoinedDialogs: boolean;
  /** How many events a client may be behind before a channel difference is too long. */
  readonly differenceTooLongAfter: number;
  /** How many peers `messages.getPeerDialogs` takes. */
  readonly peerDialogsLimit: number;
}

export const DEFAULT_RULES: ServiceRules = {
  servesUnjoinedDialogs: true,
  differenceTooLongAfter: 1_000,
  peerDialogsLimit: 100,
};

/** What the services stand on. */
export interface ServiceDeps {
  readonly world: World;
  readonly access: Access;
  readonly logins: Logins;
  readonly loginTokens: LoginTokens;
  /** Asked at every call: ports are known only once the DCs listen. */
  readonly dataCenters: () => readonly DataCenterAddress[];
  readonly apiIds: readonly ApiIdPair[];
  /** Access hashes, password salts and exported authorisations are made from it. 32 bytes. */
  readonly secret: Buffer;
  readonly rules: ServiceRules;
}
