import { randomBytes, randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Database, OwnerTx } from "../../db/database.ts";
import { ownApiIdsUnder, type SealedSample, sessionsUnder } from "../../db/sealed-samples.ts";
import type { SealedSession } from "../../db/session-row.ts";
import type { Vault } from "../../telegram/vault.ts";

/** What was sealed, by the row's id, in clear. */
export interface Planted {
  readonly sessions: Map<bigint, string>;
  readonly apiHashes: Map<string, string>;
}

/** A session string's length is not always the same. */
export const anySession = (): string => `1${randomBytes(260 + Math.floor(Math.random() * 8)).toString("base64url")}`;

/**
 * Users with AUTHORIZED sessions, sealed by `vault`, and own API IDs of the first ones. They are of two tenants by turns.
 *
 * @param given.first the first one's Telegram id
 */
export async function plantSealed(
  database: Database,
  vault: Vault,
  given: { readonly sessions: number; readonly ownApiIds?: number; readonly first?: bigint },
): Promise<Planted> {
  const { first = 1_000_000n } = given;
  const planted: Planted = { sessions: new Map(), apiHashes: new Map() };
  await database.asOwner(async (tx) => {
    await sql`insert into tenants (id, name) values ('other', 'Other') on conflict do nothing`.execute(tx);
    const { rows } = await sql<Omit<SealedSample["binding"], "sessionId"> & { id: bigint }>`
      with people as (
        insert into users (tenant_id, telegram_id)
        select case when n % 2 = 0 then 'default' else 'other' end, ${first}::int8 + n
        from generate_series(0, ${given.sessions - 1}::int) n
        returning id, tenant_id, telegram_id
      )
      insert into sessions (tenant_id, user_id, app_id, telegram_id, api_id, own_api, state)
      select tenant_id, id, 'user_' || telegram_id, telegram_id, 1001 + telegram_id % 3, false, 'AUTHORIZED' from people
      returning id, tenant_id as "tenantId", telegram_id as "telegramId", api_id as "apiId"`.execute(tx);
    const sealed = rows.map((row) => {
      const clear = anySession();
      planted.sessions.set(row.id, clear);
      return { id: row.id, ...vault.seal(clear, { ...row, sessionId: row.id }) };
    });
    await writeSealed(tx, sealed);
    for (let n = 0; n < (given.ownApiIds ?? 0); n += 1) {
      const own = { id: randomUUID(), tenantId: n % 2 === 0 ? "default" : "other", apiId: 5_000 + n };
      const hash = randomBytes(16).toString("hex");
      planted.apiHashes.set(own.id, hash);
      const { ciphertext, wrappedKey, keyId, fingerprint, fingerprintSize } = vault.sealApiHash(hash, own);
      await sql`
        insert into own_api_ids (id, tenant_id, api_id, ciphertext, wrapped_key, key_id, fingerprint, fingerprint_size)
        values (${own.id}, ${own.tenantId}, ${own.apiId}, ${ciphertext}, ${wrappedKey}, ${keyId}, ${fingerprint},
          ${fingerprintSize})`.execute(tx);
      await sql`update users set own_api_ref = ${own.id} where telegram_id = ${first + BigInt(n)}`.execute(tx);
    }
  });
  return planted;
}

async function writeSealed(tx: OwnerTx, rows: readonly (SealedSession & { readonly id: bigint })[]): Promise<void> {
  await sql`
    update sessions s set ciphertext = n.ciphertext, wrapped_key = n.wrapped_key, key_id = n.key_id,
      fingerprint = n.fingerprint, fingerprint_size = n.size, saved_at = now()
    from unnest(${rows.map(({ id }) => id.toString())}::text[]::int8[], ${rows.map((row) => row.ciphertext)}::bytea[],
      ${rows.map((row) => row.wrappedKey)}::bytea[], ${rows.map((row) => row.keyId)}::text[],
      ${rows.map((row) => row.fingerprint)}::bytea[], ${rows.map((row) => row.fingerprintSize)}::int[])
      as n (id, ciphertext, wrapped_key, key_id, fingerprint, size)
    where s.id = n.id`.execute(tx);
}

/** What is stored and opens, by its row's id, in clear; of what does not open the ids. */
export interface Opened extends Planted {
  readonly shut: (bigint | string)[];
}

/** Opens everything that is stored under any of these keys. */
export async function openAll(database: Database, vault: Vault, keyIds: readonly string[]): Promise<Opened> {
  const opened: Opened = { sessions: new Map(), apiHashes: new Map(), shut: [] };
  const ALL = 1_000_000;
  await database.asWorker(async (tx) => {
    for (const keyId of keyIds) {
      for (const { sealed, binding } of await sessionsUnder(tx, keyId, ALL))
        attempt(opened, binding.sessionId, () => opened.sessions.set(binding.sessionId, vault.open(sealed, binding)));
      for (const own of await ownApiIdsUnder(tx, keyId, ALL))
        attempt(opened, own.id, () => opened.apiHashes.set(own.id, vault.openApiHash(own.sealed, own)));
    }
  });
  return opened;
}

/** The ids of what is in one and not in the other, or is another there: a whole picture of both says nothing to anybody. */
export function differing(one: Planted, other: Planted): (bigint | string)[] {
  const ids = (a: ReadonlyMap<bigint | string, string>, b: ReadonlyMap<bigint | string, string>) =>
    [...new Set([...a.keys(), ...b.keys()])].filter((id) => a.get(id) !== b.get(id));
  return [...ids(one.sessions, other.sessions), ...ids(one.apiHashes, other.apiHashes)];
}

function attempt({ shut }: Opened, id: bigint | string, open: () => void): void {
  try {
    open();
  } catch {
    shut.push(id);
  }
}
