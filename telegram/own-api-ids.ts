import { randomUUID } from "node:crypto";
import type { Tx } from "../db/database.ts";
import { insertOwnApiId, type OwnApiId } from "../db/own-api-ids.ts";
import type { Vault } from "./vault.ts";

/** What a login is made with: one of our API IDs, or somebody's own. */
export interface LoginApi {
  readonly apiId: number;
  readonly apiHash: string;
  /** The row of an own one; null: it is ours. */
  readonly ownApiId: string | null;
}

/** Seals somebody's own pair and keeps it; gives the id to hand to `setOwnApiId`. */
export async function keepOwnApiId(
  tx: Tx,
  vault: Pick<Vault, "sealApiHash">,
  own: { readonly tenantId: string; readonly apiId: number; readonly apiHash: string },
): Promise<string> {
  const { tenantId, apiId } = own;
  const id = randomUUID();
  await insertOwnApiId(tx, { id, tenantId, apiId, sealed: vault.sealApiHash(own.apiHash, { id, tenantId, apiId }) });
  return id;
}

/** @throws VaultError where the hash does not open */
export function openOwnApiId(vault: Pick<Vault, "openApiHash">, own: OwnApiId): LoginApi {
  return { apiId: own.apiId, apiHash: vault.openApiHash(own.sealed, own), ownApiId: own.id };
}
