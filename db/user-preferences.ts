import type { TenantTx, WorkerTx } from "./database.ts";
import { ofTenant } from "./tenant.ts";

/** How somebody is spoken to. */
export interface Preferences {
  /** As Telegram names it: ru, en, … */
  readonly language: string;
  /** Of the IANA database: Europe/Moscow, … Times are stored in UTC, and shown in it. */
  readonly timeZone: string;
}

export async function preferencesOf(tx: TenantTx | WorkerTx, userId: bigint): Promise<Preferences | null> {
  const row = await tx
    .selectFrom("users")
    .select(["language", "time_zone as timeZone"])
    .where("id", "=", userId)
    .where(ofTenant("tenant_id"))
    .executeTakeFirst();
  return row ?? null;
}

/** Sets what is given; nothing is written where it is so already. */
export async function setPreferences(tx: TenantTx, userId: bigint, given: Partial<Preferences>): Promise<void> {
  const before = await preferencesOf(tx, userId);
  const { language = before?.language, timeZone = before?.timeZone } = given;
  if (!before || (language === before.language && timeZone === before.timeZone)) return;
  await tx
    .updateTable("users")
    .set({ ...(language ? { language } : {}), ...(timeZone ? { time_zone: timeZone } : {}) })
    .where("id", "=", userId)
    .where(ofTenant("tenant_id"))
    .execute();
}
