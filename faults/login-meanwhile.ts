import { randomBytes } from "node:crypto";
import { DEFAULT_TENANT } from "../cli/context.ts";
import { listSessions, saveSealed } from "../db/sessions.ts";
import type { Faults } from "../emulator/dc/faults.ts";
import { RpcError } from "../emulator/dc/service.ts";
import { ENDINGS, type EndingName } from "../emulator/end-sessions.ts";
import { sessionString } from "../emulator/session-string.ts";
import { createVault } from "../telegram/vault.ts";
import type { Fleet } from "./fleet.ts";

/** In the middle of a parse, and on the way of every one. */
const ANSWERED = "messages.GetPeerDialogs";
const HOST = "127.0.0.1";

/** A session that somebody logged in while the one before it was being used. */
export interface Replaced {
  readonly telegramId: bigint;
  readonly oldKeyId: bigint;
  readonly newKeyId: bigint;
  /** Of the key as it was stored. */
  readonly fingerprint: Buffer;
}

/**
 * Users who log in again while a worker waits for an answer on the old key: that answer is the old session's end. The
 * new key is stored before it leaves, so that the worker must tell the two apart.
 */
export function createLoginsMeanwhile() {
  const waiting = new Map<bigint, EndingName>();
  const replaced: Replaced[] = [];
  let fleet: Fleet | null = null;
  const faults: Faults = {
    async beforeAnswer({ className }, { key, apiId }) {
      const error = waiting.get(key.accountId ?? 0n);
      if (!fleet || !error || key.accountId === null || className !== ANSWERED) return undefined;
      waiting.delete(key.accountId);
      const stored = await logIn(fleet, { telegramId: key.accountId, dcId: key.dcId, apiId });
      replaced.push({ telegramId: key.accountId, oldKeyId: key.keyId, ...stored });
      fleet.emulator.keys.change(key, { ended: { code: ENDINGS[error], errorMessage: error } });
      throw new RpcError(ENDINGS[error], error);
    },
  };
  return {
    faults,
    replaced: replaced as readonly Replaced[],
    /** From now on these log in again at their next parse, and their old sessions end with these errors. */
    aim(at: Fleet, errors: ReadonlyMap<bigint, EndingName>) {
      fleet = at;
      for (const [telegramId, error] of errors) waiting.set(telegramId, error);
    },
  };
}

async function logIn(fleet: Fleet, whom: { telegramId: bigint; dcId: number; apiId: number }) {
  const { telegramId, dcId, apiId } = whom;
  const sessions = await fleet.database.inTenant(DEFAULT_TENANT, (tx) => listSessions(tx));
  const session = sessions.find((each) => each.telegramId === telegramId);
  if (!session) throw new Error(`no session of ${telegramId}`);
  const key = randomBytes(256);
  const { keyId } = fleet.emulator.keys.plant({ key, dcId, accountId: telegramId, apiId });
  const binding = { tenantId: DEFAULT_TENANT, sessionId: session.id, telegramId, apiId };
  const sealed = createVault(fleet.config.keyring).seal(sessionString(dcId, HOST, key), binding);
  await fleet.database.asWorker((tx) => saveSealed(tx, session.id, sealed));
  return { newKeyId: keyId, fingerprint: sealed.fingerprint };
}
