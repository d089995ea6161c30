import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../db/client.ts";
import type { Database } from "../../db/database.ts";
import { type SealedSample, sessionsUnder } from "../../db/sealed-samples.ts";
import { loadSealed, saveSealed } from "../../db/sessions.ts";
import { keyUse, saveRewrapped, wrappedSessions } from "../../db/wrapped-keys.ts";
import { silentLog } from "../../runtime/log.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { rotateKeys } from "../../telegram/key-rotation.ts";
import { assertKeyringOpens } from "../../telegram/keyring-check.ts";
import { createVault, type Keyring, VaultError } from "../../telegram/vault.ts";
import { createRevokeSession } from "../../workers/handlers/revoke-session.ts";
import { differing, openAll, type Planted, plantSealed } from "../support/sealed-rows.ts";
import { type TestDatabase, testDatabase } from "../support/services.ts";

const key = (id: string) => ({ id, key: randomBytes(32) });
const [OLD, NEW] = [key("k1"), key("k2")];
const BOTH = ["k1", "k2"];
const old = createVault([OLD]);
const forever = new AbortController().signal;

let place: TestDatabase;
let database: Database;
beforeAll(async () => {
  place = await testDatabase();
  database = openDatabase({ url: place.url, poolSize: 6, fencedStatementMs: 5_000, log: silentLog });
});
afterAll(async () => {
  await database?.close();
  await place?.drop();
});
beforeEach(() =>
  database.asOwner(async (tx) => {
    await sql`delete from sessions`.execute(tx);
    await sql`delete from users`.execute(tx);
    await sql`delete from own_api_ids`.execute(tx);
  }),
);

const rotate = (keyring: Keyring, given: { batch?: number; signal?: AbortSignal } = {}) =>
  rotateKeys({ database, vault: createVault(keyring), batch: 7, signal: forever, ...given });
const expectAll = async (keyring: Keyring, planted: Planted) => {
  const opened = await openAll(database, createVault(keyring), BOTH);
  expect([opened.shut, differing(opened, planted)]).toEqual([[], []]);
};
const kept = () =>
  database.asWorker(async (tx) => {
    const { rows } = await sql<object>`
      select id, ciphertext, fingerprint, fingerprint_size, saved_at from sessions order by id`.execute(tx);
    return rows;
  });

describe("a rotation", () => {
  it("wraps every data key by the first key, changes nothing else, and the old key opens nothing any more", async () => {
    const planted = await plantSealed(database, old, { sessions: 40, ownApiIds: 12 });
    const before = await kept();
    expect(await database.asWorker((tx) => keyUse(tx))).toEqual([{ keyId: "k1", sessions: 40, ownApiIds: 12 }]);
    const rotated = await rotate([NEW, OLD]);
    expect(rotated).toEqual({
      rewrapped: { sessions: 40, ownApiIds: 12 },
      refused: { sessionIds: [], ownApiIds: [] },
      ...{ left: [], interrupted: false },
    });
    expect(await kept()).toEqual(before);
    await expectAll([NEW], planted);
    expect((await openAll(database, old, BOTH)).shut).toHaveLength(52);
    // Another key under the new one's name, the old one too.
    expect((await openAll(database, createVault([{ id: "k2", key: OLD.key }]), BOTH)).shut).toHaveLength(52);
    expect((await rotate([NEW, OLD])).rewrapped).toEqual({ sessions: 0, ownApiIds: 0 });
  });

  it("goes on where it was interrupted", async () => {
    const planted = await plantSealed(database, old, { sessions: 40, ownApiIds: 12 });
    let rows = 0;
    for (let begun = 0; begun < 3; begun += 1) {
      const stop = new AbortController();
      const part = await rotateKeys({
        ...{ database, vault: createVault([NEW, OLD]), batch: 7, signal: stop.signal },
        onProgress: (done) => done >= 14 && stop.abort(),
      });
      expect(part.interrupted).toBe(true);
      rows += part.rewrapped.sessions + part.rewrapped.ownApiIds;
      await expectAll([NEW, OLD], planted);
      await expectAll([OLD, NEW], planted);
    }
    const rest = await rotate([NEW, OLD]);
    expect(rest).toMatchObject({ left: [], interrupted: false });
    expect(rest.rewrapped.sessions + rest.rewrapped.ownApiIds).toBe(52 - rows);
    await expectAll([NEW], planted);
  });

  it("never overwrites what was saved since it read the row, and waits for nobody", async () => {
    const planted = await plantSealed(database, old, { sessions: 3 });
    const vault = createVault([NEW, OLD]);
    const page = await database.asWorker((tx) => wrappedSessions(tx, { keyId: "k1", after: null, limit: 10 }));
    const fresh = page.map((row) => ({
      ...{ id: row.id, was: row.wrappedKey },
      ...vault.rewrap({ wrappedKey: row.wrappedKey, keyId: "k1" }, { ...row, sessionId: row.id }),
    }));
    const [saved, saving, untouched] = page;
    if (!saved || !saving || !untouched) throw new Error("three rows");
    const again = (row: typeof saved, clear: string) => {
      planted.sessions.set(row.id, clear);
      return old.seal(clear, { ...row, sessionId: row.id });
    };
    await database.asWorker((tx) => saveSealed(tx, saved.id, again(saved, "1-moved-to-another-data-center")));
    await database.asWorker(async (tx) => {
      await saveSealed(tx, saving.id, again(saving, "1-not-yet-committed"));
      expect(await database.asWorker((other) => saveRewrapped(other, "sessions", "k2", fresh))).toBe(1);
    });
    await expectAll([NEW, OLD], planted);
    expect(await database.asWorker((tx) => keyUse(tx))).toEqual([
      { keyId: "k1", sessions: 2, ownApiIds: 0 },
      { keyId: "k2", sessions: 1, ownApiIds: 0 },
    ]);
    expect(await rotate([NEW, OLD])).toMatchObject({ left: [], rewrapped: { sessions: 2 } });
    await expectAll([NEW], planted);
  });

  it("leaves what does not open as it is, and says which rows those are", async () => {
    await plantSealed(database, old, { sessions: 20 });
    const [one, two] = await database.asWorker((tx) => sessionsUnder(tx, "k1", 2));
    if (!one || !two) throw new Error("two rows");
    await database.asWorker((tx) => saveSealed(tx, one.binding.sessionId, two.sealed));
    const rotated = await rotate([NEW, OLD]);
    expect(rotated).toMatchObject({
      rewrapped: { sessions: 19 },
      refused: { sessionIds: [one.binding.sessionId] },
      left: [{ keyId: "k1", sessions: 1 }],
    });
    const lacking = await rotate([NEW]);
    expect(lacking).toMatchObject({ rewrapped: { sessions: 0 }, left: [{ keyId: "k1", sessions: 1 }] });
  });
});

it("a session that does not open can be got rid of, and one whose key is elsewhere is kept", async () => {
  await plantSealed(database, old, { sessions: 2 });
  const [one, two] = await database.asWorker((tx) => sessionsUnder(tx, "k1", 2));
  if (!one || !two) throw new Error("two rows");
  await database.asWorker((tx) => saveSealed(tx, one.binding.sessionId, two.sealed));
  const revoke = (keyring: Keyring, { binding }: SealedSample) => {
    const open = async () =>
      database.asWorker(async (tx) => {
        const sealed = (await loadSealed(tx, binding.sessionId)) ?? expect.fail("no key");
        return createVault(keyring).open(sealed, binding) as never;
      });
    const data = { tenantId: binding.tenantId, sessionId: binding.sessionId.toString() };
    return createRevokeSession({ database, accounts: { open } })(data, {} as never);
  };
  await expect(revoke([NEW], two)).rejects.toMatchObject({ reason: "unknown_key" });
  await expect(revoke([OLD], one)).resolves.toEqual({ outcome: "key deleted" });
  await assertKeyringOpens(old, database);
  expect(await database.asWorker((tx) => keyUse(tx))).toEqual([{ keyId: "k1", sessions: 1, ownApiIds: 0 }]);
});

describe("each step of a change of keys", () => {
  const STEPS: readonly [what: string, before: Keyring, after: Keyring][] = [
    ["the new key is added behind the old one", [OLD], [OLD, NEW]],
    ["the new key comes first", [OLD, NEW], [NEW, OLD]],
  ];
  it.each(STEPS)("%s: processes of before and after open what either seals", async (_what, before, after) => {
    for (const [n, sealing] of [before, after].entries()) {
      const planted = await plantSealed(database, createVault(sealing), {
        ...{ sessions: 5, ownApiIds: 2, first: BigInt(2_000_000 + n * 1_000) },
      });
      for (const opening of [before, after]) {
        const opened = await openAll(database, createVault(opening), BOTH);
        for (const [id, clear] of planted.sessions) expect(opened.sessions.get(id)).toBe(clear);
        for (const [id, clear] of planted.apiHashes) expect(opened.apiHashes.get(id)).toBe(clear);
      }
    }
  });

  it("the old key goes: once nothing is under it", async () => {
    const planted = await plantSealed(database, old, { sessions: 1_234, ownApiIds: 1 });
    const start = (keyring: Keyring) => assertKeyringOpens(createVault(keyring), database);
    await start([OLD]);
    await start([NEW, OLD]);
    const refusal =
      "SESSION_ENCRYPTION_KEYS lacks what stored rows were sealed with: k1 (1,234 sessions, 1 own API ID)";
    await expect(start([NEW])).rejects.toThrow(OperatorError);
    await expect(start([NEW])).rejects.toThrow(refusal);
    await rotate([NEW, OLD], { batch: 500 });
    await start([NEW]);
    await start([NEW, OLD]);
    await expect(start([OLD])).rejects.toThrow("k2 (1,234 sessions, 1 own API ID)");
    await expectAll([NEW], planted);
  });

  it("a start is refused with another key under the same name, and not for a single damaged row", async () => {
    await plantSealed(database, old, { sessions: 6 });
    const other = createVault([{ id: "k1", key: randomBytes(32) }]);
    await expect(assertKeyringOpens(other, database)).rejects.toThrow("its key k1 is another one");
    const [newest, before] = await database.asWorker((tx) => sessionsUnder(tx, "k1", 2));
    if (!newest || !before) throw new Error("two rows");
    await database.asWorker((tx) => saveSealed(tx, newest.binding.sessionId, before.sealed));
    await assertKeyringOpens(old, database);
  });

  it("the oldest of many rows keeps a start from succeeding as well", async () => {
    await plantSealed(database, old, { sessions: 1 });
    await plantSealed(database, createVault([NEW]), { sessions: 50, first: 2_000_000n });
    await expect(assertKeyringOpens(createVault([NEW]), database)).rejects.toThrow("k1 (1 session)");
  });
});

describe("1,000 sessions", () => {
  const COLUMNS = ["ciphertext", "wrapped_key", "fingerprint", "fingerprint_size"] as const;
  /** Of two tenants and three API IDs by turns: each row's neighbour is of another one, the last one's too. */
  const COUNT = 1_002;
  /** Every choice of them but none. */
  const CHOICES = Array.from({ length: 2 ** COLUMNS.length - 1 }, (_, n) =>
    COLUMNS.filter((_column, at) => ((n + 1) >> at) & 1),
  );
  class Undone extends Error {}
  const refuses = (open: () => unknown): boolean => {
    try {
      open();
      return false;
    } catch (error) {
      if (error instanceof VaultError && error.reason !== "unknown_key") return true;
      throw error;
    }
  };

  it("whose columns are copied between rows do not open, whichever columns are", async () => {
    const planted = await plantSealed(database, createVault([NEW, OLD]), { sessions: COUNT });
    const vault = createVault([NEW, OLD]);
    const copied: Record<string, number> = {};
    for (const columns of CHOICES) {
      const set = columns.map((column) => `${column} = other.${column}`).join(", ");
      const differ = columns.map((column) => `s.${column} is distinct from other.${column}`).join(" or ");
      const swap = database.asOwner(async (tx) => {
        // Each gets the next one's: another user's, tenant's and API ID's.
        const { rows } = await sql<{ id: bigint }>`
          with ring as (
            select *, coalesce(lead(id) over (order by id), min(id) over ()) as next_id from sessions
          )
          update sessions s set ${sql.raw(set)} from ring join ring other on other.id = ring.next_id
          where s.id = ring.id and (${sql.raw(differ)}) returning s.id`.execute(tx);
        const swapped = new Set(rows.map(({ id }) => id));
        copied[columns.join("+")] = swapped.size;
        let refused = 0;
        for (const { sealed, binding } of await sessionsUnder(tx as never, "k2", 2_000)) {
          if (swapped.has(binding.sessionId) && refuses(() => vault.open(sealed, binding))) refused += 1;
        }
        expect(refused, columns.join("+")).toBe(swapped.size);
        throw new Undone();
      });
      await expect(swap).rejects.toThrow(Undone);
    }
    expect(copied["ciphertext+wrapped_key+fingerprint+fingerprint_size"]).toBe(COUNT);
    expect(Math.min(...Object.values(copied))).toBeGreaterThan(500);
    // With nothing copied all of them open.
    await expectAll([NEW, OLD], planted);
  });

  it("are bound to their tenant, user, API ID and row", async () => {
    await plantSealed(database, createVault([NEW]), { sessions: COUNT });
    const vault = createVault([NEW]);
    const rows = await database.asWorker((tx) => sessionsUnder(tx, "k2", 2_000));
    const other = (at: number) => rows[(at + 1) % rows.length]?.binding;
    let refused = 0;
    for (const [at, { sealed, binding }] of rows.entries())
      for (const field of ["tenantId", "sessionId", "telegramId", "apiId"] as const) {
        const moved = { ...binding, [field]: other(at)?.[field] };
        if (refuses(() => vault.open(sealed, moved)) && refuses(() => vault.rewrap(sealed, moved))) refused += 1;
      }
    expect(refused).toBe(4 * COUNT);
  });

  it("and own API IDs likewise", async () => {
    const planted = await plantSealed(database, old, { sessions: 1, ownApiIds: 50 });
    const swap = database.asOwner(async (tx) => {
      await sql`
        with ring as (select *, lead(id) over (order by id) as next_id from own_api_ids)
        update own_api_ids o set ciphertext = other.ciphertext, wrapped_key = other.wrapped_key,
          fingerprint = other.fingerprint
        from ring join own_api_ids other on other.id = ring.next_id where o.id = ring.id`.execute(tx);
    });
    await swap;
    expect((await openAll(database, old, BOTH)).shut).toHaveLength(planted.apiHashes.size - 1);
  });
});
