import type { WorkerTx } from "../../db/database.ts";
import { insertImport, lockImports, pinImport, sealedAfter } from "../../db/imports.ts";
import { deleteLease } from "../../db/leases.ts";
import { LoginBusy } from "../../db/login-conflicts.ts";
import { deleteUnusedOwnApiIds } from "../../db/own-api-ids.ts";
import { loadSession, type SessionInfo, saveSealed, transition } from "../../db/sessions.ts";
import { claimSession, deleteUnclaimed, sessionOfApp } from "../../db/unclaimed-sessions.ts";
import { addUser } from "../../db/users.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Me } from "../api.ts";
import type { Connect } from "../connection.ts";
import type { Lease } from "../lease.ts";
import { keepOwnApiId, type LoginApi } from "../own-api-ids.ts";
import { keyOf } from "../session-format.ts";
import { VaultError } from "../vault.ts";
import { LoginCustody, type LoginDependencies } from "./custody.ts";

/** A session that another program was logged in with. */
export interface ImportedSession {
  readonly tenantId: string;
  /** `user_<telegram_id>` unless given. */
  readonly appId?: string;
  /** Whose account it must be; null: whoever it is becomes a user. */
  readonly telegramId: bigint | null;
  /** GramJS's StringSession. Secret. */
  readonly secret: string;
  /** The API ID that it was made with: one of ours, or somebody's own. */
  readonly api: { readonly apiId: number; readonly apiHash: string; readonly own: boolean };
  /** What it was read from, for its history. */
  readonly format: string;
}

/** Nothing of the session is kept, and nothing of it was changed at Telegram. */
export class ImportRefused extends OperatorError {}

const AT_ONCE = 500;
const BOT = "it is a bot's, and bots cannot read channels as people do: nothing of it is kept";

/**
 * Takes over a session. Leased first, its key sealed before the first call; that is `getMe`, which tells whose it is and
 * that it lives; AUTHORIZED and the lease's release commit together, after the sockets closed.
 *
 * Its key is somebody's living session: whatever ends an import, it is forgotten here and left alone at Telegram.
 *
 * @param signal ends it, before it has come to its last step
 * @throws ImportRefused, LoggedInAlready, LoginBusy; the errors of `telegram/errors`
 */
export async function importSession(
  deps: LoginDependencies,
  given: ImportedSession,
  connect: Connect,
  signal: AbortSignal,
): Promise<{ me: Me; session: SessionInfo }> {
  const { apiId } = given.api;
  const session = await deps.database.asWorker((tx) => insertImport(tx, { tenantId: given.tenantId, apiId }));
  const lease = await deps.fleet.leases.acquire(session.id);
  if (!lease) {
    await deps.database.asWorker((tx) => deleteUnclaimed(tx, session.id));
    throw new LoginBusy("no session may be leased just now: try again in a minute");
  }
  const underway = new Import(deps, given, session, lease);
  try {
    const me = await underway.prove(connect, signal);
    return { me, session: await underway.finish(me) };
  } catch (error) {
    await underway.forget();
    throw error;
  } finally {
    await lease.release();
  }
}

class Import {
  readonly #deps: LoginDependencies;
  readonly #given: ImportedSession;
  readonly #session: SessionInfo;
  readonly #lease: Lease;

  constructor(deps: LoginDependencies, given: ImportedSession, session: SessionInfo, lease: Lease) {
    this.#deps = deps;
    this.#given = given;
    this.#session = session;
    this.#lease = lease;
  }

  /** Seals the key, and asks Telegram by it who it is. */
  async prove(connect: Connect, signal: AbortSignal): Promise<Me> {
    const { secret, telegramId } = this.#given;
    const api = await this.#underLease((tx) => this.#seal(tx));
    unlessEnded(signal);
    const custody = new LoginCustody(this.#deps, this.#session, api, this.#lease);
    const connection = await connect(custody.connectOptions(secret));
    await connection.close();
    unlessEnded(signal);
    const { me } = connection;
    if (me.isBot) throw new ImportRefused(BOT);
    if (telegramId !== null && me.id !== telegramId)
      throw new ImportRefused(`it is account ${me.id}'s, not ${telegramId}'s: nothing of it is kept`);
    return me;
  }

  /** AUTHORIZED, as whoever it is; every socket is closed by now. */
  finish(me: Me): Promise<SessionInfo> {
    const { tenantId, secret, format } = this.#given;
    const { id } = this.#session;
    const telegramId = me.id;
    const appId = this.#given.appId ?? `user_${telegramId}`;
    return this.#underLease(async (tx) => {
      const before = await sessionOfApp(tx, tenantId, appId);
      if (before && before.telegramId !== telegramId)
        throw new ImportRefused(`the app ${appId} is another account's, and this is ${telegramId}'s`);
      const { user } = await addUser(tx, { tenantId, telegramId });
      await claimSession(tx, id, { tenantId, userId: user.id, telegramId, appId });
      await saveSealed(tx, id, this.#deps.fleet.vault.seal(secret, { ...this.#binding(), telegramId }));
      await transition(tx, id, { from: ["ABSENT"], to: "AUTHORIZED", reason: `imported (${format})` });
      const session = await loadSession(tx, id);
      if (!session) throw new ImportRefused("the session was deleted meanwhile");
      await deleteLease(tx, this.#lease.ref);
      return session;
    });
  }

  /** Leaves no trace here. Where that cannot be done now, `deleteLeftImports` does it. */
  async forget(): Promise<void> {
    try {
      await this.#underLease((tx) => deleteUnclaimed(tx, this.#session.id));
      await this.#deps.database.inTenant(this.#given.tenantId, deleteUnusedOwnApiIds);
    } catch (failure) {
      this.#deps.log.warn({ err: failure }, "import not forgotten yet");
    }
  }

  async #seal(tx: WorkerTx): Promise<LoginApi> {
    const { api, secret, tenantId } = this.#given;
    const { vault } = this.#deps.fleet;
    await lockImports(tx);
    await this.#refuseKept(tx);
    let ownApiId: string | null = null;
    if (api.own) {
      ownApiId = await keepOwnApiId(tx, vault, { tenantId, ...api });
      await pinImport(tx, this.#session.id, ownApiId);
    }
    await saveSealed(tx, this.#session.id, vault.seal(secret, this.#binding()));
    return { apiId: api.apiId, apiHash: api.apiHash, ownApiId };
  }

  /** Whose key it is we do not know yet; that somebody here uses it we must, for two on one key end it. */
  async #refuseKept(tx: WorkerTx): Promise<void> {
    const key = keyOf(this.#given.secret);
    let after = 0n;
    for (;;) {
      const page = await sealedAfter(tx, after, AT_ONCE);
      for (const { sealed, binding } of page) {
        after = binding.sessionId;
        if (this.#opens(sealed, binding)?.equals(key))
          throw new ImportRefused("its key is kept here already (gramfleet sessions list): nothing was sent by it");
      }
      if (page.length === 0) return;
    }
  }

  #opens(
    sealed: Parameters<typeof saveSealed>[2],
    binding: Awaited<ReturnType<typeof sealedAfter>>[number]["binding"],
  ) {
    try {
      return keyOf(this.#deps.fleet.vault.open(sealed, binding));
    } catch (error) {
      // Nobody here could use it either.
      if (error instanceof VaultError) return null;
      throw error;
    }
  }

  #binding() {
    const { tenantId, id, telegramId, apiId } = this.#session;
    return { tenantId, sessionId: id, telegramId, apiId };
  }

  #underLease<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T> {
    return this.#deps.database.underLease(this.#lease.ref, work);
  }
}

function unlessEnded(signal: AbortSignal): void {
  if (signal.aborted) throw new ImportRefused("ended before it was done: nothing of it is kept");
}
