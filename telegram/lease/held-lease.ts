import type { LeaseRef } from "../../db/database.ts";
import type { Clock } from "../../runtime/clock.ts";
import { LeaseLost } from "../errors.ts";
import type { Gate } from "../policy.ts";
import { leaseLeft, type Moment, momentOf } from "./deadline.ts";

/** An exclusive right to use one session's auth key, for as long as its gate is open: once closed it stays closed. */
export interface Lease extends Gate {
  readonly ref: LeaseRef;
  /** Aborted, with LeaseLost as the reason, when the lease is lost; not when it is released. */
  readonly signal: AbortSignal;
  /** Who is told at once when it is lost, before anybody who listens to `signal`; one, since there is one connection. */
  tellLoss(to: { leaseLost(): void }): void;
  /** Gives it back. Only after every socket is closed. Never throws: what fails is tried again in the background. */
  release(): Promise<void>;
}

/** Whose the leases of a process are. */
export interface LeaseKeeper {
  /** Deletes its row. */
  giveBack(lease: HeldLease): Promise<void>;
  /** One was lost. */
  lost(): void;
}

/** The holder's side of one lease: its deadline, its gate, its end. */
export class HeldLease implements Lease {
  readonly ref: LeaseRef;
  /** Taken to log the session out: it does not end for that. */
  readonly toRevoke: boolean;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #keeper: LeaseKeeper;
  #loss: LeaseLost | null = null;
  /** Made for whoever asks: most leases end without anybody having listened. */
  #lost: AbortController | null = null;
  #told: { leaseLost(): void } | null = null;
  #renewedAt: Moment;
  #state: "held" | "lost" | "released" = "held";
  #timer: NodeJS.Timeout | undefined;
  #released: Promise<void> | null = null;

  constructor(options: {
    ref: LeaseRef;
    /** The moment before the lease was asked for. */
    takenAt: Moment;
    leaseMs: number;
    clock: Clock;
    keeper: LeaseKeeper;
    toRevoke?: boolean;
  }) {
    this.ref = options.ref;
    this.#renewedAt = options.takenAt;
    this.#leaseMs = options.leaseMs;
    this.#clock = options.clock;
    this.#keeper = options.keeper;
    this.toRevoke = options.toRevoke ?? false;
    this.#arm();
  }

  get signal(): AbortSignal {
    if (!this.#lost) {
      this.#lost = new AbortController();
      if (this.#loss) this.#lost.abort(this.#loss);
    }
    return this.#lost.signal;
  }

  tellLoss(to: { leaseLost(): void }): void {
    this.#told = to;
  }

  get held(): boolean {
    return this.#state === "held";
  }

  /** A renewal sent at `sentAt` was confirmed. A lease found past before stays lost. */
  renew(sentAt: Moment): void {
    if (!this.isOpen()) return;
    if (sentAt.monotonic > this.#renewedAt.monotonic) this.#renewedAt = sentAt;
    this.#arm();
  }

  /** Closes the gate for good and tells whoever works under it. */
  lose(why: string): void {
    if (this.#state !== "held") return;
    this.#state = "lost";
    clearTimeout(this.#timer);
    this.#loss = new LeaseLost("LEASE_LOST", "lease", `lease lost: ${why}`);
    this.#keeper.lost();
    this.#told?.leaseLost();
    this.#lost?.abort(this.#loss);
  }

  release(): Promise<void> {
    this.#released ??= (() => {
      if (this.#state === "held") this.#state = "released";
      clearTimeout(this.#timer);
      return this.#keeper.giveBack(this);
    })();
    return this.#released;
  }

  isOpen(): boolean {
    if (this.#state !== "held") return false;
    if (leaseLeft(this.#renewedAt, momentOf(this.#clock), this.#leaseMs) > 0) return true;
    this.lose("not renewed in time");
    return false;
  }

  /** No fence, only promptness: work under a lease that nobody renewed is told to end even where it writes nothing. */
  #arm(): void {
    clearTimeout(this.#timer);
    const left = leaseLeft(this.#renewedAt, momentOf(this.#clock), this.#leaseMs);
    if (left === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(HeldLease.#lookAgain, left + 1, this);
    this.#timer.unref();
  }

  /** One function for all of them: a process holds thousands. */
  static #lookAgain(lease: HeldLease): void {
    if (lease.isOpen()) lease.#arm();
  }
}
