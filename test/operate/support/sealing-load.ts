import { sql } from "kysely";
import type { Database } from "../../../db/database.ts";
import { setOwnApiId } from "../../../db/own-api-ids.ts";
import { loadSealed, loadSession, saveSealed, transition } from "../../../db/sessions.ts";
import { keepOwnApiId } from "../../../telegram/own-api-ids.ts";
import type { Vault } from "../../../telegram/vault.ts";
import { anySession, type Planted, plantSealed } from "../../support/sealed-rows.ts";

/** What a fleet does with sealed rows, all at once and without a pause, and what came of it. */
export interface SealingLoad {
  /** What must be stored: each row's last committed clear. */
  readonly expected: Planted;
  readonly done: { opened: number; saved: number; loggedIn: number; loggedOut: number; ownApiIds: number };
  /** What did not open, or was not as it had been saved. */
  readonly wrong: string[];
  /** The vault that rows are opened and sealed with from now on. */
  restart(vault: Vault): void;
  stop(): Promise<void>;
}

const LANES = 3;
/** Of those planted, counted from there, nobody has an API ID of their own yet. */
const FIRST_WITHOUT = 1_000;
/** So many would say no more. */
const ENOUGH_WRONG = 20;

/** @param given.random in [0, 1) */
export function startSealingLoad(
  database: Database,
  given: { readonly vault: Vault; readonly planted: Planted; readonly random: () => number },
): SealingLoad {
  const { planted: expected, random } = given;
  let { vault } = given;
  let people = 5_000_000n;
  const stop = new AbortController();
  const done = { opened: 0, saved: 0, loggedIn: 0, loggedOut: 0, ownApiIds: 0 };
  const wrong: string[] = [];

  /** As an account is opened, and saved again after it has moved. */
  async function openAndSave(id: bigint): Promise<void> {
    const { sealed, info } = await database.asWorker(async (tx) => ({
      sealed: await loadSealed(tx, id),
      info: await loadSession(tx, id),
    }));
    if (!sealed || !info) return void wrong.push(`${id} is gone`);
    const binding = { ...info, sessionId: id };
    if (vault.open(sealed, binding) !== expected.sessions.get(id)) wrong.push(`${id} is an older one`);
    done.opened += 1;
    if (random() < 0.5) return;
    const clear = anySession();
    const again = vault.seal(clear, binding);
    const saved = await database.asWorker((tx) => saveSealed(tx, id, again, sealed.fingerprint));
    if (!saved) return void wrong.push(`${id} was not saved`);
    expected.sessions.set(id, clear);
    done.saved += 1;
  }

  async function logIn(): Promise<bigint[]> {
    people += 10n;
    const added = await plantSealed(database, vault, { sessions: 2, first: people });
    for (const [id, clear] of added.sessions) expected.sessions.set(id, clear);
    done.loggedIn += added.sessions.size;
    return [...added.sessions.keys()];
  }

  async function logOut(id: bigint): Promise<void> {
    await database.asWorker((tx) => transition(tx, id, { from: ["AUTHORIZED"], to: "REVOKED" }));
    expected.sessions.delete(id);
    done.loggedOut += 1;
  }

  /** A user gives an API ID of their own, in the place of the one before. */
  async function giveApiId(user: { id: bigint; before: string | null }): Promise<void> {
    const apiHash = anySession().slice(0, 32);
    user.before = await database.inTenant("default", async (tx) => {
      const id = await keepOwnApiId(tx, vault, { tenantId: "default", apiId: 7_000, apiHash });
      await setOwnApiId(tx, user.id, id);
      if (user.before !== null) expected.apiHashes.delete(user.before);
      expected.apiHashes.set(id, apiHash);
      return id;
    });
    done.ownApiIds += 1;
  }

  /** A lane has sessions of its own, so that it knows what was saved last. */
  async function lane(number: number): Promise<void> {
    const own = [...expected.sessions.keys()].filter((id) => Number(id % BigInt(LANES)) === number);
    const { rows } = await database.asOwner((tx) =>
      sql<{ id: bigint }>`
        select id from users where tenant_id = 'default' order by id offset ${FIRST_WITHOUT + number} limit 1`.execute(
        tx,
      ),
    );
    const user = { id: rows[0]?.id ?? 0n, before: null as string | null };
    for (let turn = 0; !stop.signal.aborted && wrong.length < ENOUGH_WRONG; turn += 1) {
      const at = Math.floor(random() * own.length);
      try {
        await openAndSave(own[at] ?? 0n);
        if (turn % 20 === 0) own.push(...(await logIn()));
        if (turn % 30 === 0) await logOut(own.splice(at, 1)[0] ?? 0n);
        if (turn % 15 === 0) await giveApiId(user);
      } catch (error) {
        wrong.push(String(error));
      }
    }
  }

  const lanes = Array.from({ length: LANES }, (_, number) => lane(number));
  return {
    expected,
    done,
    wrong,
    restart(next) {
      vault = next;
    },
    async stop() {
      stop.abort();
      await Promise.all(lanes);
    },
  };
}
