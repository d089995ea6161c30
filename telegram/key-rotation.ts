import type { Database, Tx, WorkerTx } from "../db/database.ts";
import {
  type KeyUse,
  keyUse,
  type Rewrapped,
  saveRewrapped,
  type WrappedPage,
  wrappedApiIds,
  wrappedSessions,
} from "../db/wrapped-keys.ts";
import { type Failpoint, noFailpoint } from "../runtime/failpoint.ts";
import { sleep } from "../runtime/sleep.ts";
import { type Vault, VaultError, type WrappedKey } from "./vault.ts";

export interface RotationOptions {
  readonly database: Pick<Database, "asWorker">;
  readonly vault: Vault;
  /** Rows of one transaction. */
  readonly batch: number;
  /** Ends it after the batch that is under way; another rotation goes on from there. */
  readonly signal: AbortSignal;
  /** Told after each batch how many rows are wrapped by the first key since the beginning. */
  readonly onProgress?: (rewrapped: number) => void;
  readonly failpoint?: Failpoint;
}

export interface Rotation {
  readonly rewrapped: { readonly sessions: number; readonly ownApiIds: number };
  /** Rows that do not open under the key that they name: damaged, or copied from another row. They stay as they are. */
  readonly refused: { readonly sessionIds: readonly bigint[]; readonly ownApiIds: readonly string[] };
  /** What is left under other keys than the first one. */
  readonly left: readonly KeyUse[];
  readonly interrupted: boolean;
}

/** Passes over what is left: rows that somebody was writing, or has sealed by an older key meanwhile. */
const PASSES = 20;
const BETWEEN_PASSES_MS = 250;

/** What is sealed, a kind of rows at a time. */
interface Kind<Id extends bigint | string, Row extends { readonly id: Id; readonly wrappedKey: Buffer }> {
  readonly table: "sessions" | "own_api_ids";
  readonly page: (tx: Tx, page: WrappedPage<Id>) => Promise<Row[]>;
  readonly rewrap: (row: Row, keyId: string) => WrappedKey;
}

/**
 * Wraps every data key by the keyring's first key; what they seal, and its fingerprint, stay. A row is changed only where
 * it still is what was read, so a session that is saved meanwhile is never overwritten. All that it knows of its progress
 * is in the rows: it may end at any point, and run beside itself.
 *
 * Whoever seals by an older key while it runs leaves rows behind it: they are in `left`.
 */
export async function rotateKeys(options: RotationOptions): Promise<Rotation> {
  const { database, vault, signal } = options;
  const [first, ...others] = vault.keyIds;
  const sessions = new Sweep(options, {
    table: "sessions",
    page: wrappedSessions,
    rewrap: (row, keyId) => vault.rewrap({ wrappedKey: row.wrappedKey, keyId }, { ...row, sessionId: row.id }),
  });
  const own = new Sweep(options, {
    table: "own_api_ids",
    page: wrappedApiIds,
    rewrap: (row, keyId) => vault.rewrapApiHash({ wrappedKey: row.wrappedKey, keyId }, row),
  });
  const told = () => options.onProgress?.(sessions.rewrapped + own.rewrapped);
  const leftNow = () => database.asWorker((tx) => keyUse(tx, first === undefined ? [] : [first]));
  let left: readonly KeyUse[] = [];
  for (let pass = 1; ; pass += 1) {
    for (const keyId of others) {
      await sessions.run(keyId, told);
      await own.run(keyId, told);
    }
    left = await leftNow();
    const open = left.filter(({ keyId }) => others.includes(keyId));
    const rows = open.reduce((sum, use) => sum + use.sessions + use.ownApiIds, 0);
    if (signal.aborted || pass === PASSES || rows <= sessions.refused.size + own.refused.size) break;
    await sleep(BETWEEN_PASSES_MS, signal);
  }
  return {
    rewrapped: { sessions: sessions.rewrapped, ownApiIds: own.rewrapped },
    refused: { sessionIds: [...sessions.refused], ownApiIds: [...own.refused] },
    left,
    interrupted: signal.aborted,
  };
}

class Sweep<Id extends bigint | string, Row extends { readonly id: Id; readonly wrappedKey: Buffer }> {
  readonly #options: RotationOptions;
  readonly #kind: Kind<Id, Row>;
  rewrapped = 0;
  /** Of the last pass: a row that was repaired meanwhile counts no more. */
  refused = new Set<Id>();

  constructor(options: RotationOptions, kind: Kind<Id, Row>) {
    this.#options = options;
    this.#kind = kind;
  }

  /** Every row that is under this key now, in the order of ids. */
  async run(keyId: string, told: () => void): Promise<void> {
    const { database, signal, batch, failpoint = noFailpoint } = this.#options;
    for (let after: Id | null = null; !signal.aborted; ) {
      const page: WrappedPage<Id> = { keyId, after, limit: batch };
      const done = await database.asWorker(async (tx) => {
        const rows = await this.#kind.page(tx, page);
        const saved = await this.#save(tx, rows, keyId);
        failpoint("committing");
        return { saved, last: rows.at(-1)?.id };
      });
      failpoint("committed");
      this.rewrapped += done.saved;
      told();
      if (done.last === undefined) return;
      after = done.last;
    }
  }

  async #save(tx: WorkerTx, rows: readonly Row[], keyId: string): Promise<number> {
    const fresh = rows.flatMap((row): (Rewrapped<Id> & WrappedKey)[] => {
      try {
        const wrapped = this.#kind.rewrap(row, keyId);
        this.refused.delete(row.id);
        return [{ id: row.id, was: row.wrappedKey, ...wrapped }];
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        this.refused.add(row.id);
        return [];
      }
    });
    const [{ keyId: by } = { keyId: "" }] = fresh;
    return saveRewrapped(tx, this.#kind.table, by, fresh);
  }
}
