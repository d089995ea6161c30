import type { TenantTx } from "./database.ts";
import { type InviteRefusal, inviteRefusal, redeemInvite } from "./invites.ts";
import { addUser, findUser, type User } from "./users.ts";

/** Why a Telegram account is let in as no user: it is new and brought no invite, or its invite opens nothing. */
export type AdmissionRefusal = "unknown_user" | InviteRefusal;

/** Thrown, so that the transaction in which a user was made for this makes none. */
export class NotAdmitted extends Error {
  override name = "NotAdmitted";
  readonly refusal: AdmissionRefusal;

  constructor(refusal: AdmissionRefusal) {
    super(`not let in: ${refusal}`);
    this.refusal = refusal;
  }
}

/**
 * The user with this account; with an invite that opens something, a new one. A known user's invite is redeemed too.
 *
 * @throws NotAdmitted
 */
export async function admit(
  tx: TenantTx,
  who: { readonly tenantId: string; readonly telegramId: bigint },
  invite: string | undefined,
): Promise<User> {
  const { tenantId, telegramId } = who;
  const known = await findUser(tx, telegramId);
  if (invite === undefined) {
    if (known) return known;
    throw new NotAdmitted("unknown_user");
  }
  const early = await inviteRefusal(tx, { tenantId, userId: known?.id ?? null }, invite);
  if (early) throw new NotAdmitted(early);
  const user = known ?? (await addUser(tx, { tenantId, telegramId })).user;
  const { refused } = await redeemInvite(tx, { tenantId: user.tenantId, userId: user.id }, invite);
  if (refused) throw new NotAdmitted(refused);
  return user;
}
