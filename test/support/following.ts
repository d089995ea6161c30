import { saveAccess, saveChannel, subscribe, subscriptionsOf } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { settleSubscription } from "../../db/subscriptions.ts";
import { addUser } from "../../db/users.ts";

export const TENANT = "default";

/** A user without a session: reads what others' accounts have stored. */
export async function plantReader(database: Database, telegramId: bigint, tenantId = TENANT): Promise<bigint> {
  const { user } = await database.inTenant(tenantId, (tx) => addUser(tx, { tenantId, telegramId }));
  return user.id;
}

/** The user follows the channel, which is made where there is none, and the user's account has access to it. */
export async function follow(
  database: Database,
  userId: bigint,
  channelId: bigint,
  given: { tenantId?: string; availableMinId?: number; access?: boolean } = {},
): Promise<void> {
  const tenantId = given.tenantId ?? TENANT;
  const who = { tenantId, userId };
  const name = channelId.toString();
  await database.asWorker((tx) =>
    saveChannel(tx, { id: channelId, username: `channel_${name}`, title: `Channel ${name}`, kind: "broadcast" }),
  );
  await database.inTenant(tenantId, (tx) => subscribe(tx, { ...who, name }));
  await database.asWorker(async (tx) => {
    const line = (await subscriptionsOf(tx, userId)).find((one) => one.name === name);
    await settleSubscription(tx, { id: line?.id ?? 0n, userId, channelId, state: "active" });
  });
  if (given.access === false) return;
  await database.asWorker((tx) =>
    saveAccess(tx, {
      ...who,
      channelId,
      accessHash: 1n,
      joined: true,
      ...(given.availableMinId === undefined ? {} : { availableMinId: given.availableMinId }),
    }),
  );
}
