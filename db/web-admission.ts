import { admit } from "./admission.ts";
import type { Database, WorkerTx } from "./database.ts";
import { sessionOfUser } from "./sessions.ts";
import { actFor } from "./tenant.ts";
import { findUser } from "./users.ts";

/**
 * Whom a browser's login by phone lets in: users, and with an invite new ones, made and redeemed in the transaction that
 * makes their session AUTHORIZED. Of a user whose session is AUTHORIZED already it proves who they are, and no more.
 *
 * What these throw is NotAdmitted.
 */
export function webAdmission(database: Database, tenantId: string, invite: string | undefined) {
  return {
    admit: async (tx: WorkerTx, who: { readonly tenantId: string; readonly telegramId: bigint }) =>
      actFor(tx, who.tenantId, (ofTenant) => admit(ofTenant, who, invite)),
    provesOnly: (telegramId: bigint): Promise<boolean> =>
      database.inTenant(tenantId, async (tx) => {
        const user = await findUser(tx, telegramId);
        if (!user || (await sessionOfUser(tx, user.id))?.state !== "AUTHORIZED") return false;
        await admit(tx, { tenantId, telegramId }, invite);
        return true;
      }),
  };
}
