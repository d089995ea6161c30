import { randomBytes, randomUUID } from "node:crypto";
import type { Database } from "../../db/database.ts";
import { ensureSession, type SealedSession, saveSealed, transition } from "../../db/sessions.ts";
import { addUser, type User } from "../../db/users.ts";

/** A sealed session that opens nowhere. */
export const sealed = (): SealedSession => ({
  ciphertext: randomBytes(32),
  wrappedKey: randomBytes(16),
  keyId: "k1",
  fingerprint: randomBytes(32),
  fingerprintSize: 353,
});

/** A user with an AUTHORIZED session, due now. */
export async function plantUser(
  database: Database,
  telegramId: bigint,
  given: { apiId?: number; ownApi?: boolean; tenantId?: string } = {},
): Promise<{ user: User; sessionId: bigint; key: SealedSession }> {
  const tenantId = given.tenantId ?? "default";
  const { user } = await database.inTenant(tenantId, (tx) => addUser(tx, { tenantId, telegramId }));
  const key = sealed();
  const sessionId = await database.asWorker(async (tx) => {
    const session = await ensureSession(tx, {
      tenantId,
      userId: user.id,
      telegramId,
      apiId: given.apiId ?? 1001,
      ownApi: given.ownApi ?? false,
    });
    await saveSealed(tx, session.id, key);
    await transition(tx, session.id, { from: ["ABSENT"], to: "AUTHORIZED" });
    return session.id;
  });
  return { user, sessionId, key };
}

export const newToken = (): string => randomUUID();
