import { type Vault, VaultError } from "../telegram/vault.ts";
import { readRecords } from "./read-records.ts";
import type { ArchivedAccount, ArchivedSession, Manifest } from "./records.ts";

/** What does not open is named up to here, and counted beyond. */
const NAMED = 100;

export interface Verified {
  readonly manifest: Manifest;
  readonly accounts: number;
  readonly sessions: number;
  /** How many do not open with the keyring; null where there is no keyring to try. */
  readonly unopened: number | null;
  readonly named: readonly { readonly tenantId: string; readonly appId: string; readonly why: string }[];
}

/**
 * Reads an archive to its end, and opens each session in it, where there is a vault.
 *
 * @throws ArchiveRefused
 */
export async function verifyArchive(options: {
  readonly file: string;
  readonly backupKey: Buffer;
  readonly vault: Vault | null;
  readonly progress?: (sessions: number) => void;
  readonly signal?: AbortSignal;
}): Promise<Verified> {
  const { vault } = options;
  const named: { tenantId: string; appId: string; why: string }[] = [];
  let manifest: Manifest | null = null;
  let accounts = 0;
  let sessions = 0;
  let unopened = 0;
  for await (const record of readRecords(options.file, options.backupKey)) {
    options.signal?.throwIfAborted();
    if (record.kind === "manifest") manifest = record;
    if (record.kind !== "account") continue;
    accounts += 1;
    sessions += record.sessions.length;
    for (const session of vault ? record.sessions : []) {
      const why = whyNot(() => openArchived(vault as Vault, record, session));
      if (why === null) continue;
      unopened += 1;
      if (named.length < NAMED) named.push({ tenantId: record.tenant.id, appId: session.appId, why });
    }
    options.progress?.(sessions);
  }
  if (!manifest) throw new Error("an archive without a manifest was read");
  return { manifest, accounts, sessions, unopened: vault ? unopened : null, named };
}

/** The session in clear, and its own API hash where it has one. @throws VaultError */
export function openArchived(
  vault: Vault,
  { tenant, ownApiIds }: Pick<ArchivedAccount, "tenant" | "ownApiIds">,
  session: ArchivedSession,
): string {
  const { id: sessionId, telegramId, apiId } = session;
  const pair = ownApiIds.find(({ id }) => id === session.ownApiRef);
  if (pair) vault.openApiHash(pair.sealed, { tenantId: tenant.id, id: pair.id, apiId: pair.apiId });
  return vault.open(session.sealed, { tenantId: tenant.id, sessionId, telegramId, apiId });
}

function whyNot(open: () => unknown): string | null {
  try {
    open();
    return null;
  } catch (error) {
    if (error instanceof VaultError) return error.message;
    throw error;
  }
}
