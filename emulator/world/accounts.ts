import { hkdfSync } from "node:crypto";
import type { PlantedKey } from "../dc/auth-keys.ts";
import type { World } from "./model.ts";

/** An account that arrives logged in, as the side that reads needs it. `keyHex` is as good as a password. */
export interface PlantedAccount {
  readonly telegramId: bigint;
  readonly phone: string;
  readonly apiId: number;
  readonly dcId: number;
  readonly keyHex: string;
  /** Channels joined: usernames, ids (decimal) of private ones. */
  readonly follows: readonly string[];
}

/**
 * Auth keys for every user, on both sides: for the DC's key store and for the accounts. A user's key comes from the
 * seed and the user's id alone, the api_id is `user.id mod N` over `apiIds`, as a first login would take it.
 */
export function plantAccounts(
  world: World,
  { seed, apiIds }: { seed: string | number; apiIds: readonly number[] },
): { keys: PlantedKey[]; accounts: PlantedAccount[] } {
  if (apiIds.length === 0) throw new Error("no api_id to plant accounts with");
  const keys: PlantedKey[] = [];
  const accounts: PlantedAccount[] = [];
  for (const user of world.users.values()) {
    const key = Buffer.from(hkdfSync("sha256", String(seed), "gramfleet emulator", `auth key of ${user.id}`, 256));
    const apiId = apiIds[Number(user.id % BigInt(apiIds.length))]!;
    keys.push({ key, dcId: user.dcId, accountId: user.id, apiId });
    accounts.push({
      telegramId: user.id,
      phone: user.phone,
      apiId,
      dcId: user.dcId,
      keyHex: key.toString("hex"),
      follows: [...user.joined].map((id) => world.channels.get(id)?.username ?? String(id)),
    });
  }
  return { keys, accounts };
}
