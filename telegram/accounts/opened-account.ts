import { type Database, type Held, LeaseGone, type LeaseRef, type WorkerTx } from "../../db/database.ts";
import type { SessionInfo } from "../../db/sessions.ts";
import { span } from "../../runtime/tracing.ts";
import type { OpenAccount } from "../account.ts";
import type { TelegramApi } from "../api.ts";
import { AccountCalls, type CallSurroundings } from "../call-policy.ts";
import type { TelegramConnection } from "../connection.ts";
import { LeaseLost } from "../errors.ts";
import type { Lease } from "../lease.ts";
import type { CallPolicy, Gate } from "../policy.ts";

/** What all accounts of a process share. */
export interface AccountSurroundings {
  readonly database: Pick<Database, "underLease" | "onceUnderLease">;
  readonly calls: CallSurroundings;
  /** Aborted when the process ends what is open. */
  readonly closing: AbortSignal;
}

/** One account under its lease: what is known of it, and its connection once there is one. A process holds thousands. */
export class OpenedAccount implements OpenAccount, Gate {
  readonly session: SessionInfo;
  /** Of the key that it is connected by. */
  readonly fingerprint: Buffer;
  readonly #around: AccountSurroundings;
  readonly #lease: Lease;
  readonly #calls: AccountCalls;
  #connection: TelegramConnection | null = null;
  #signal: AbortSignal | null = null;

  constructor(around: AccountSurroundings, lease: Lease, session: SessionInfo, fingerprint: Buffer) {
    this.session = session;
    this.fingerprint = fingerprint;
    this.#around = around;
    this.#lease = lease;
    const { telegramId, apiId, ownApi } = session;
    this.#calls = new AccountCalls(around.calls, { telegramId, apiId, ownApi, lease: this });
    lease.tellLoss(this);
  }

  get lease(): LeaseRef {
    return this.#lease.ref;
  }

  get policy(): CallPolicy {
    return this.#calls;
  }

  get connection(): TelegramConnection | null {
    return this.#connection;
  }

  get api(): TelegramApi {
    if (!this.#connection) throw new LeaseLost("LEASE_LOST", "connect");
    return this.#connection.api;
  }

  /** Made for whoever asks. */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#lease.signal, this.#around.closing]);
    return this.#signal;
  }

  isOpen(): boolean {
    return !this.#around.closing.aborted && this.#lease.isOpen();
  }

  /** @throws LeaseLost where the lease was lost while it connected */
  connected(connection: TelegramConnection): void {
    this.#connection = connection;
    if (!this.isOpen()) throw new LeaseLost("LEASE_LOST", "connect");
  }

  /** Hangs up: whatever waits for an answer fails. */
  leaseLost(): void {
    void this.#connection?.close();
  }

  commit<T>(work: (tx: WorkerTx) => Promise<T>): Promise<T> {
    return this.#fenced(() => this.#around.database.underLease(this.lease, work));
  }

  commitOnce(work: (tx: WorkerTx, held: Held) => Promise<boolean>): Promise<void> {
    return this.#fenced(() => this.#around.database.onceUnderLease(this.lease, work));
  }

  tally(): { readonly calls: number; readonly waits: number } {
    return this.#calls.tally();
  }

  async #fenced<T>(commit: () => Promise<T>): Promise<T> {
    if (!this.#lease.isOpen()) throw new LeaseLost("LEASE_LOST", "commit");
    try {
      return await span("commit", {}, commit);
    } catch (error) {
      if (error instanceof LeaseGone) throw new LeaseLost("LEASE_LOST", "commit");
      throw error;
    }
  }
}
