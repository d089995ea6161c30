import { sql } from "kysely";
import type { WorkerTx } from "./database.ts";

/** What a channel is read for. Readers of one purpose keep out of each other's way; those of different ones need not. */
export type ClaimPurpose = "news" | "history" | "reconcile";

export interface ChannelClaim {
  readonly channelId: bigint;
  /** News where it is left out. */
  readonly purpose?: ClaimPurpose;
  readonly token: string;
}

/**
 * Claims the reading of a channel for `ms`; renewed by its own token. False where another reader has it. One that ends
 * in more than two minutes, which no claim does, was written before the database's clock was set back, and holds nobody.
 * A matter of economy: what keeps rows exact is the compare-and-set on pts.
 */
export async function claimChannel(tx: WorkerTx, claim: ChannelClaim & { readonly ms: number }): Promise<boolean> {
  const { rows } = await sql`
    insert into channel_claims as c (channel_id, purpose, token, until)
    values (${claim.channelId}, ${purposeOf(claim)}, ${claim.token},
      clock_timestamp() + ${claim.ms} * interval '1 millisecond')
    on conflict (channel_id, purpose) do update set token = excluded.token, until = excluded.until
    where c.token = excluded.token or c.until < clock_timestamp()
      or c.until > clock_timestamp() + interval '2 minutes'
    returning 1`.execute(tx);
  return rows.length > 0;
}

/** Whether somebody reads the channel's news at this moment. */
export async function isBeingRead(tx: WorkerTx, channelId: bigint): Promise<boolean> {
  const { rows } = await sql`
    select 1 from channel_claims
    where channel_id = ${channelId} and purpose = 'news'
      and until between clock_timestamp() and clock_timestamp() + interval '2 minutes'`.execute(tx);
  return rows.length > 0;
}

/** Gives a claim up; one that is another's by now stays. */
export async function releaseChannel(tx: WorkerTx, claim: ChannelClaim): Promise<void> {
  await tx
    .deleteFrom("channel_claims")
    .where("channel_id", "=", claim.channelId)
    .where("purpose", "=", purposeOf(claim))
    .where("token", "=", claim.token)
    .execute();
}

const purposeOf = (claim: ChannelClaim): ClaimPurpose => claim.purpose ?? "news";
