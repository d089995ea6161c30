import type { LeaseRef } from "../../db/database.ts";
import type { Clock } from "../../runtime/clock.ts";
import { LeaseLost } from "../errors.ts";
import type { Gate } from "../policy.ts";
import { leaseLeft, type Moment, momentOf } from "./deadline.ts";

/** An exclusive right to use one session's auth key, for as long as its gate is open. */
export interface Lease {
  readonly ref: LeaseRef;
  /** Asked synchronously at every socket write. Once closed it stays closed. */
  readonly gate: Gate;
  /** Aborted, with LeaseLost as the reason, when the lease is lost; not when it is released. */
  readonly signal: AbortSignal;
  /** Gives it back. Only after every socket is closed. Never throws: what fails is tried again in the background. */
  release(): Promise<void>;
}

/** The holder's side of one lease: its deadline, its gate, its end. */
export class HeldLease implements Lease {
  readonly ref: LeaseRef;
  readonly gate: Gate;
  /** Taken to log the session out: it does not end for that. */
  readonly toRevoke: boolean;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #giveBack: (lease: HeldLease) => Promise<void>;
  readonly #lost = new AbortController();
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
    giveBack: (lease: HeldLease) => Promise<void>;
    toRevoke?: boolean;
  }) {
    this.ref = options.ref;
    this.#renewedAt = options.takenAt;
    this.#leaseMs = options.leaseMs;
    this.#clock = options.clock;
    this.#giveBack = options.giveBack;
    this.toRevoke = options.toRevoke ?? false;
    this.gate = { isOpen: () => this.#isOpen() };
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get held(): boolean {
    return this.#state === "held";
  }

  /** A renewal sent at `sentAt` was confirmed. A lease found past before stays lost. */
  renew(sentAt: Moment): void {
    if (!this.#isOpen()) return;
    if (sentAt.monotonic > this.#renewedAt.monotonic) this.#renewedAt = sentAt;
    this.#arm();
  }

  /** Closes the gate for good and tells whoever works under it. */
  lose(why: string): void {
    if (this.#state !== "held") return;
    this.#state = "lost";
    clearTimeout(this.#timer);
    this.#lost.abort(new LeaseLost("LEASE_LOST", "lease", `lease lost: ${why}`));
  }

  release(): Promise<void> {
    this.#released ??= (() => {
      if (this.#state === "held") this.#state = "released";
      clearTimeout(this.#timer);
      return this.#giveBack(this);
    })();
    return this.#released;
  }

  #isOpen(): boolean {
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
    this.#timer = setTimeout(() => {
      if (this.#isOpen()) this.#arm();
    }, left + 1);
    this.#timer.unref();
  }
}
