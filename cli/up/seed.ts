import { subscribe } from "../../db/channels.ts";
import type { Database } from "../../db/database.ts";
import { setNextParse } from "../../db/schedules.ts";
import { ensureSession, saveSealed, transition } from "../../db/sessions.ts";
import { addUser } from "../../db/users.ts";
import type { Vault } from "../../telegram/vault.ts";

const TEN_YEARS_MS = 10 * 365 * 86_400_000;
const AT_ONCE = 8;

/** An emulated person, logged in already: their key is planted on both sides. */
export interface PlantedAccount {
  readonly telegramId: bigint;
  readonly apiId: number;
  /** A StringSession. */
  readonly session: string;
  /** Names of the channels that they follow. */
  readonly follows: readonly string[];
}

/**
 * Makes users of the emulated people who are not ours yet: every other one premium, each with a sealed session and
 * subscriptions to what they follow. Gives how many were added.
 */
export async function seedAccounts(options: {
  database: Database;
  vault: Vault;
  tenantId: string;
  accounts: readonly PlantedAccount[];
  now: Date;
  /** Their first parses are spread over this, as those of people who came one by one are; at once where not given. */
  spreadMs?: number;
}): Promise<number> {
  const { accounts, now, spreadMs = 0 } = options;
  const waiting = accounts.map((account, index) => ({
    account,
    premium: index % 2 === 0,
    firstParseAt: new Date(now.getTime() + (spreadMs * index) / accounts.length),
  }));
  let added = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (await seedOne({ ...options, ...next })) added += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return added;
}

async function seedOne(options: {
  database: Database;
  vault: Vault;
  tenantId: string;
  account: PlantedAccount;
  premium: boolean;
  firstParseAt: Date;
  now: Date;
}): Promise<boolean> {
  const { account, tenantId, vault } = options;
  const user = await options.database.inTenant(tenantId, async (tx) => {
    const { user, added } = await addUser(tx, {
      tenantId,
      telegramId: account.telegramId,
      plan: options.premium ? "premium" : "free",
      paidUntil: options.premium ? new Date(options.now.getTime() + TEN_YEARS_MS) : null,
    });
    if (added) for (const name of account.follows) await subscribe(tx, { tenantId, userId: user.id, name });
    return user;
  });
  return options.database.asWorker(async (tx) => {
    const { id, state } = await ensureSession(tx, {
      tenantId,
      userId: user.id,
      telegramId: account.telegramId,
      apiId: account.apiId,
      ownApi: false,
    });
    // A seeding that was killed half-way goes on here; whoever has logged in or out since is left alone.
    if (state !== "ABSENT") return false;
    const sealed = vault.seal(account.session, {
      tenantId,
      sessionId: id,
      telegramId: account.telegramId,
      apiId: account.apiId,
    });
    await saveSealed(tx, id, sealed);
    await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED", reason: "emulated" });
    await setNextParse(tx, user.id, options.firstParseAt);
    return true;
  });
}
