import type { Database } from "../db/database.ts";
import { ownApiIdsUnder, sessionsUnder } from "../db/sealed-samples.ts";
import { type KeyUse, keyUse } from "../db/wrapped-keys.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type Vault, VaultError } from "./vault.ts";

/** A single row may be damaged; so many that are say that the key is another one. */
const SAMPLES = 5;

/**
 * Refuses a keyring that does not open what is stored: one that lacks a key which any row needs, and one that has another
 * key under its name.
 *
 * @throws OperatorError that names the keys, and how many rows need each: no start
 */
export async function assertKeyringOpens(vault: Vault, database: Database): Promise<void> {
  const missing = await database.asWorker((tx) => keyUse(tx, vault.keyIds));
  if (missing.length > 0)
    throw new OperatorError(
      `SESSION_ENCRYPTION_KEYS lacks what stored rows were sealed with: ${missing.map(inWords).join("; ")}: add it behind the others`,
    );
  await assertKeysAreTheirs(vault, database);
}

/** @throws OperatorError where a key of the keyring is another one than the one that sealed the rows under its name */
export async function assertKeysAreTheirs(vault: Vault, database: Database): Promise<void> {
  for (const keyId of vault.keyIds) {
    if (await isTheOne(vault, database, keyId)) continue;
    throw new OperatorError(
      `SESSION_ENCRYPTION_KEYS does not open the sessions in this database: its key ${keyId} is another one than the one that sealed them`,
    );
  }
}

/** `k1 (1,200 sessions, 3 own API IDs)`. */
export function inWords({ keyId, sessions, ownApiIds }: KeyUse): string {
  const counted = (count: number, one: string) =>
    count === 0 ? [] : [`${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`];
  return `${keyId} (${[...counted(sessions, "session"), ...counted(ownApiIds, "own API ID")].join(", ")})`;
}

async function isTheOne(vault: Vault, database: Database, keyId: string): Promise<boolean> {
  const opened = await database.asWorker(async (tx) => [
    ...(await sessionsUnder(tx, keyId, SAMPLES)).map(
      ({ sealed, binding }) =>
        () =>
          vault.open(sealed, binding),
    ),
    ...(await ownApiIdsUnder(tx, keyId, SAMPLES)).map((own) => () => vault.openApiHash(own.sealed, own)),
  ]);
  return opened.length === 0 || opened.some(opens);
}

function opens(open: () => string): boolean {
  try {
    open();
    return true;
  } catch (error) {
    if (error instanceof VaultError) return false;
    throw error;
  }
}
