import type { Database, OwnerTx } from "../db/database.ts";
import {
  hasOtherSession,
  replaceKey,
  restoreConsents,
  restoreOwnApiId,
  restoreSubscriptions,
  restoreTenant,
  restoreUser,
  restoreWaits,
  sessionThere,
} from "../db/restored-accounts.ts";
import type { SessionHold } from "../db/schema.ts";
import { ensureSession, transition } from "../db/sessions.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { Vault } from "../telegram/vault.ts";
import { mayRestore, type SkipReason } from "./may-restore.ts";
import { readRecords } from "./read-records.ts";
import type { ArchivedAccount, ArchivedSession } from "./records.ts";
import { openArchived, verifyArchive } from "./verify.ts";

/** What is not restored is named up to here, and counted beyond. */
const NAMED = 100;

export interface Restored {
  readonly usersAdded: number;
  /** Made anew, and put in the place of an older key. */
  readonly restored: number;
  readonly replaced: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly named: readonly { readonly tenantId: string; readonly appId: string; readonly why: SkipReason }[];
}

/** Everything that was written is taken back. */
class DryRun extends Error {}

/**
 * Restores an archive's sessions, with their users, into an empty or a living database: all of it or, where anything fails,
 * nothing. The archive is read to its end, and each session opened, before anything is written. Each is sealed again for its
 * new row. Doing it twice is doing it once.
 *
 * @param options.parked whether the sessions are held until an operator has said that nobody else uses them
 * @param options.force older keys go over newer ones
 * @throws ArchiveRefused; OperatorError where a session does not open, or the one asked for is not in it
 */
export async function restoreBackup(options: {
  readonly database: Database;
  readonly file: string;
  readonly backupKey: Buffer;
  readonly vault: Vault;
  readonly only: { readonly tenantId: string; readonly appId: string } | null;
  readonly parked: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly progress?: (what: "read" | "restored", sessions: number) => void;
  readonly signal?: AbortSignal;
}): Promise<Restored> {
  const { database, file, backupKey, vault, only, signal } = options;
  const { unopened, named } = await verifyArchive({
    ...{ file, backupKey, vault },
    progress: (sessions) => options.progress?.("read", sessions),
    ...(signal ? { signal } : {}),
  });
  if (unopened)
    throw new OperatorError(
      `${unopened} sessions of the archive do not open (${named[0]?.why}): give the SESSION_ENCRYPTION_KEYS that sealed them`,
    );
  const tally = createTally();
  const wanted = (account: ArchivedAccount, session: ArchivedSession) =>
    !only || (account.tenant.id === only.tenantId && session.appId === only.appId);
  try {
    await database.asOwner(async (tx) => {
      for await (const record of readRecords(file, backupKey)) {
        signal?.throwIfAborted();
        if (record.kind !== "account") continue;
        const sessions = record.sessions.filter((session) => wanted(record, session));
        if (only && sessions.length === 0) continue;
        await restoreAccount(tx, { ...record, sessions }, { ...options, tally });
        options.progress?.("restored", tally.sessions);
      }
      if (only && tally.sessions === 0)
        throw new OperatorError(`there is no session ${only.tenantId}:${only.appId} in the archive: see backup verify`);
      if (options.dryRun) throw new DryRun();
    });
  } catch (error) {
    if (!(error instanceof DryRun)) throw error;
  }
  return tally.result();
}

interface How {
  readonly vault: Vault;
  readonly parked: boolean;
  readonly force: boolean;
  readonly tally: ReturnType<typeof createTally>;
}

async function restoreAccount(tx: OwnerTx, account: ArchivedAccount, how: How): Promise<void> {
  const { vault, tally } = how;
  const tenantId = account.tenant.id;
  await restoreTenant(tx, account.tenant);
  for (const { id, apiId, sealed } of account.ownApiIds) {
    const own = { tenantId, id, apiId };
    await restoreOwnApiId(tx, { ...own, sealed: vault.sealApiHash(vault.openApiHash(sealed, own), own) });
  }
  const { userId, added } = await restoreUser(tx, account);
  if (added) {
    tally.userAdded();
    await restoreConsents(tx, { tenantId, userId }, account.consents);
  }
  await restoreSubscriptions(tx, { tenantId, userId }, account.subscriptions);
  await restoreWaits(tx, account.user.telegramId, account.waits);
  for (const session of account.sessions) await restoreSession(tx, { account, session, userId }, how);
}

async function restoreSession(
  tx: OwnerTx,
  { account, session, userId }: { account: ArchivedAccount; session: ArchivedSession; userId: bigint },
  { vault, parked, force, tally }: How,
): Promise<void> {
  const tenantId = account.tenant.id;
  const { appId, telegramId, apiId, ownApi, ownApiRef, savedAt } = session;
  const there = await sessionThere(tx, { tenantId, appId });
  const elsewhere = await hasOtherSession(tx, telegramId, there?.id ?? null);
  const decision = mayRestore(session, there, { userId, elsewhere, force });
  if (decision !== "restore") return tally.skipped(tenantId, appId, decision);
  const id = there?.id ?? (await ensureSession(tx, { tenantId, userId, telegramId, appId, apiId, ownApi })).id;
  const clear = openArchived(vault, account, session);
  const sealed = vault.seal(clear, { tenantId, sessionId: id, telegramId, apiId });
  const kept = session.holds.filter((hold) => hold !== "parked");
  const holds: SessionHold[] = parked ? [...kept, "parked"] : kept;
  const from = there?.state ?? "ABSENT";
  if (from !== "AUTHORIZED") await transition(tx, id, { from: [from], to: "AUTHORIZED", reason: "restored" });
  await replaceKey(tx, id, { apiId, ownApi, ownApiRef, savedAt, sealed, holds });
  tally.done(there?.fingerprint ? "replaced" : "restored");
}

function createTally() {
  let usersAdded = 0;
  const done = { restored: 0, replaced: 0 };
  const skipped: Partial<Record<SkipReason, number>> = {};
  const named: { tenantId: string; appId: string; why: SkipReason }[] = [];
  let sessions = 0;
  return {
    get sessions() {
      return sessions;
    },
    userAdded() {
      usersAdded += 1;
    },
    done(how: keyof typeof done) {
      sessions += 1;
      done[how] += 1;
    },
    skipped(tenantId: string, appId: string, why: SkipReason) {
      sessions += 1;
      skipped[why] = (skipped[why] ?? 0) + 1;
      if (named.length < NAMED) named.push({ tenantId, appId, why });
    },
    result: (): Restored => ({ usersAdded, ...done, skipped, named }),
  };
}
