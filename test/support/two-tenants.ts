import { randomBytes, randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Database, OwnerTx } from "../../db/database.ts";

/** In every text of tenant B's rows. */
export const OF_B = "canary-of-tenant-b";

export interface Planted {
  readonly tenantId: string;
  readonly userId: bigint;
  readonly telegramId: bigint;
  readonly sessionId: bigint;
  /** Followed by this tenant's user alone. */
  readonly channelId: bigint;
}

/** Which id each tenant's user, and its channel, has at Telegram. */
const IDS = {
  a: { telegramId: 5_100_000_001n, channelId: 1_800_000_001n },
  b: { telegramId: 5_200_000_002n, channelId: 1_800_000_002n },
};

/**
 * How a row is made for a tenant in each table that has `tenant_id`, in an order that foreign keys allow. One that is new
 * must be put here: `row-security.test.ts` compares.
 */
export const ROWS: Readonly<Record<string, (tx: OwnerTx, who: Planted, text: string) => Promise<unknown>>> = {
  user_sessions: (tx, { tenantId, userId }) =>
    sql`insert into user_sessions (tenant_id, user_id, auth_token)
      values (${tenantId}, ${userId}, ${randomBytes(32).toString("hex")})`.execute(tx),
  legacy_logouts: (tx, { tenantId, userId }) =>
    sql`insert into legacy_logouts (auth_token, tenant_id, user_id)
      values (${randomBytes(32).toString("hex")}, ${tenantId}, ${userId})`.execute(tx),
  api_tokens: (tx, { tenantId }, text) =>
    sql`insert into api_tokens (tenant_id, name, token_hash) values (${tenantId}, ${text}, ${randomBytes(32)})`.execute(
      tx,
    ),
  invites: (tx, { tenantId }, text) =>
    sql`insert into invites (tenant_id, code_hash, note, plan, days, max_uses)
      values (${tenantId}, ${randomBytes(32)}, ${text}, 'premium', 30, 5)`.execute(tx),
  invite_redemptions: (tx, { tenantId, userId }) =>
    sql`insert into invite_redemptions (invite_id, user_id, tenant_id)
      select id, ${userId}, tenant_id from invites where tenant_id = ${tenantId}`.execute(tx),
  own_api_ids: (tx, { tenantId }) =>
    sql`insert into own_api_ids (id, tenant_id, api_id, ciphertext, wrapped_key, key_id, fingerprint, fingerprint_size)
      values (${randomUUID()}, ${tenantId}, 77, ${randomBytes(32)}, ${randomBytes(32)}, 'k1', ${randomBytes(32)}, 32)`.execute(
      tx,
    ),
  telegram_accounts: (tx, { tenantId, userId, telegramId }) =>
    sql`insert into telegram_accounts (tenant_id, phone, user_id) values (${tenantId}, ${String(telegramId)}, ${userId})`.execute(
      tx,
    ),
  session_events: (tx, { tenantId, sessionId }, text) =>
    sql`insert into session_events (tenant_id, session_id, from_state, to_state, reason)
      values (${tenantId}, ${sessionId}, 'ABSENT', 'AUTHORIZED', ${text})`.execute(tx),
  schedules: (tx, { tenantId, userId }) =>
    sql`insert into schedules (user_id, tenant_id, queue) values (${userId}, ${tenantId}, 'parse-own')`.execute(tx),
  subscriptions: (tx, { tenantId, userId, channelId }, text) =>
    sql`insert into subscriptions (tenant_id, user_id, name, channel_id, state)
      values (${tenantId}, ${userId}, ${text.replaceAll("-", "_")}, ${channelId}, 'active')`.execute(tx),
  channel_access: (tx, { tenantId, userId, channelId }) =>
    sql`insert into channel_access (user_id, channel_id, tenant_id, access_hash)
      values (${userId}, ${channelId}, ${tenantId}, 7)`.execute(tx),
  runs: (tx, { tenantId, userId }, text) =>
    sql`insert into runs (tenant_id, user_id, slot, started_at, plan, outcome, error)
      values (${tenantId}, ${userId}, now(), now(), 'free', 'failed', ${text})`.execute(tx),
  consents: async (tx, { tenantId, userId }) => {
    const sha256 = randomBytes(32);
    await sql`insert into consent_texts (sha256, version, language, body) values (${sha256}, '1', 'en', 'terms')`.execute(
      tx,
    );
    return sql`insert into consents (tenant_id, user_id, text_sha256, via)
      values (${tenantId}, ${userId}, ${sha256}, 'bot')`.execute(tx);
  },
  session_revocations: (tx, { tenantId, sessionId }) =>
    sql`insert into session_revocations (session_id, tenant_id, reason)
      values (${sessionId}, ${tenantId}, 'asked')`.execute(tx),
  erasures: (tx, { tenantId, userId }) =>
    sql`insert into erasures (user_id, tenant_id) values (${userId}, ${tenantId})`.execute(tx),
  runs_daily: (tx, { tenantId }) =>
    sql`insert into runs_daily (tenant_id, day, plan, done, failed, waiting, calls, waits, messages_new, messages_edited,
        messages_deleted)
      values (${tenantId}, '2024-01-01', 'free', 1, 1, 1, 1, 1, 1, 1, 1)`.execute(tx),
  session_events_daily: (tx, { tenantId }, text) =>
    sql`insert into session_events_daily (tenant_id, day, from_state, to_state, reason, events)
      values (${tenantId}, '2024-01-01', 'ABSENT', 'AUTHORIZED', ${text}, 1)`.execute(tx),
};

/**
 * Two tenants, `a` and `b`, each with a row in every table of tenants, and a channel with a post that the other does not
 * follow. Both follow a third channel, whose posts each of them sees.
 */
export async function plantTwoTenants(database: Database): Promise<{ a: Planted; b: Planted; shared: bigint }> {
  const shared = 1_800_000_003n;
  const planted = await database.asOwner(async (tx) => {
    await post(tx, shared, "for both");
    const made = [];
    for (const [id, { telegramId, channelId }] of Object.entries(IDS)) {
      const tenantId = `tenant_${id}`;
      const text = `canary-of-tenant-${id}`;
      await sql`insert into tenants (id, name) values (${tenantId}, ${text})`.execute(tx);
      const user = await sql<{ id: bigint }>`
        insert into users (tenant_id, telegram_id) values (${tenantId}, ${telegramId}) returning id`.execute(tx);
      const userId = user.rows[0]?.id ?? 0n;
      const session = await sql<{ id: bigint }>`
        insert into sessions (tenant_id, user_id, app_id, telegram_id, api_id, state, reason, ciphertext, wrapped_key, key_id)
        values (${tenantId}, ${userId}, ${text}, ${telegramId}, 1001, 'AUTHORIZED', ${text}, ${randomBytes(32)},
          ${randomBytes(32)}, 'k1') returning id`.execute(tx);
      const who = { tenantId, userId, telegramId, channelId, sessionId: session.rows[0]?.id ?? 0n };
      await post(tx, channelId, text);
      for (const insert of Object.values(ROWS)) await insert(tx, who, text);
      await ROWS.subscriptions?.(tx, { ...who, channelId: shared }, `${text}-shared`);
      await ROWS.channel_access?.(tx, { ...who, channelId: shared }, text);
      await sql`insert into waits (telegram_id, method, until, process_until, seconds)
        values (${telegramId}, ${text}, now() + interval '1 hour', now(), 3600)`.execute(tx);
      made.push(who);
    }
    return made;
  });
  const [a, b] = planted;
  if (!a || !b) throw new Error("not planted");
  return { a, b, shared };
}

async function post(tx: OwnerTx, channelId: bigint, text: string): Promise<void> {
  await sql`insert into channels (id, username, title, kind, pts, top_message_id, covered, revision)
    values (${channelId}, ${text.replaceAll(/\W/g, "_")}, ${text}, 'broadcast', 1, 1, '{[1,2)}', 1)`.execute(tx);
  await sql`insert into channel_names (channel_id, username) values (${channelId}, ${text.replaceAll(/\W/g, "_")})`.execute(
    tx,
  );
  await sql`insert into messages (channel_id, id, kind, date, text, stats_at, revision)
    values (${channelId}, 1, 'message', now(), ${text}, now(), 1)`.execute(tx);
  await sql`insert into skipped_messages (channel_id, message_id, reason) values (${channelId}, 9, ${text})`.execute(
    tx,
  );
}
