import { type Selectable, sql } from "kysely";
import type { TenantTx } from "./database.ts";
import type { Schema } from "./schema.ts";
import { ofTenant } from "./tenant.ts";
import { toUser, type User } from "./users.ts";

/** One line of `users list`. */
export interface UserSummary extends User {
  readonly sessionState: string | null;
  readonly subscriptions: number;
  readonly nextParseAt: Date | null;
  readonly lastRunAt: Date | null;
  readonly lastOutcome: string | null;
  /** The end of the longest wait that Telegram asked the account for; null where none runs. */
  readonly waitsUntil: Date | null;
  /** What they agreed to last; null where that is not known. */
  readonly consent: {
    readonly at: Date;
    readonly via: string;
    readonly version: string;
    readonly language: string;
    /** Of the text, in hexadecimal. */
    readonly sha256: string;
  } | null;
}

/**
 * The tenant's users in the order in which they were added.
 *
 * @param filter `plan` is the plan in force (premium, trial, free), by the rule of `planInForce` and the database's clock
 */
export async function listUsers(tx: TenantTx, filter: { plan?: string; limit?: number } = {}): Promise<UserSummary[]> {
  const { rows } = await sql<Row>`
    select u.*, e.state as session_state, c.consent, s.next_parse_at, r.finished_at, r.outcome,
      (select count(*)::int from subscriptions b where b.user_id = u.id) as subscriptions,
      (select max(w.until) from waits w where w.telegram_id = u.telegram_id and w.until > clock_timestamp()) as waits_until
    from users u
    left join schedules s on s.user_id = u.id
    left join lateral (
      select state from sessions where user_id = u.id order by state = 'AUTHORIZED' desc, id desc limit 1
    ) e on true
    left join lateral (
      select jsonb_build_object('at', c.at, 'via', c.via, 'version', t.version, 'language', t.language,
        'sha256', encode(t.sha256, 'hex')) as consent
      from consents c join consent_texts t on t.sha256 = c.text_sha256 where c.user_id = u.id order by c.id desc limit 1
    ) c on true
    left join lateral (
      select finished_at, outcome from runs where user_id = u.id order by id desc limit 1
    ) r on true
    where ${ofTenant("u.tenant_id")} and (${filter.plan ?? null}::text is null or ${inForce} = ${filter.plan ?? null})
    order by u.id limit ${filter.limit ?? null}::int8`.execute(tx);
  return rows.map((row) => ({
    ...toUser(row),
    sessionState: row.session_state,
    subscriptions: row.subscriptions,
    nextParseAt: row.next_parse_at,
    lastRunAt: row.finished_at,
    lastOutcome: row.outcome,
    waitsUntil: row.waits_until,
    consent: row.consent && { ...row.consent, at: new Date(row.consent.at) },
  }));
}

const inForce = sql`
  case when u.paid_until > now() then u.plan when u.trial_expires_at > now() then 'trial' else 'free' end`;

type Row = Selectable<Schema["users"]> & {
  session_state: string | null;
  subscriptions: number;
  next_parse_at: Date | null;
  finished_at: Date | null;
  outcome: string | null;
  waits_until: Date | null;
  consent: (Omit<NonNullable<UserSummary["consent"]>, "at"> & { readonly at: string }) | null;
};
