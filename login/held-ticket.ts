import type { Agreed } from "../db/consents.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { TelegramError } from "../telegram/errors.ts";
import { ConsentMissing } from "../telegram/login/consent.ts";
import { LoginAbandoned, WrongAccount } from "../telegram/login/custody.ts";
import { type EndedState, hasEnded, type Ticket } from "./ticket.ts";
import type { Answer } from "./ticket-mail.ts";

/** A login as its ticket sees it: what it shows, asks and hears. */
export interface Telling<Kind extends Ticket> {
  /** Aborted when nobody waits for the login any more. */
  readonly signal: AbortSignal;
  /** The ticket is another from now on. */
  tell(change: Partial<Kind>): void;
  /** What whoever begins a login waits for is there. */
  shown(): void;
  /** The next answer of one of these kinds. @throws the signal's reason where none will come */
  ask<K extends Answer["kind"]>(kinds: readonly K[], change: Partial<Kind>): Promise<Extract<Answer, { kind: K }>>;
  /** Called when somebody has heard that something has happened at Telegram. */
  onHint(listener: () => void): void;
  /** What its person has been shown by now. */
  agreed(): Agreed | null;
}

/** Runs a login to its end, and gives what its ticket then is. Throws what it failed with. */
export type RunLogin<Kind extends Ticket> = (telling: Telling<Kind>) => Promise<Partial<Kind>>;

interface Asking {
  readonly kinds: readonly string[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** A ticket in the process that holds it: its login, from its beginning to its end. */
export class HeldTicket<Kind extends Ticket = Ticket> {
  #ticket: Kind;
  readonly #abandon = new AbortController();
  readonly #onChange: (ticket: Kind) => void;
  #asking: Asking | null = null;
  /** Whoever gave an answer, until it is judged. */
  #judged: (() => void) | null = null;
  #hinted: (() => void) | null = null;
  #wasShown: () => void = () => {};
  /** Resolves at what is shown first, or at the end where there was nothing. */
  readonly shown: Promise<void>;
  readonly ended: Promise<void>;

  /** @param options.failed what the ticket is when its login has thrown this */
  constructor(
    ticket: Kind,
    options: {
      readonly login: RunLogin<Kind>;
      readonly failed: (error: unknown) => Partial<Kind>;
      readonly lifeMs: number;
      readonly onChange: (ticket: Kind) => void;
    },
  ) {
    this.#ticket = ticket;
    this.#onChange = options.onChange;
    this.shown = new Promise((resolve) => {
      this.#wasShown = resolve;
    });
    const timer = setTimeout(() => this.end("expired"), options.lifeMs);
    this.ended = options
      .login(this.#telling())
      .catch(options.failed)
      .then((change) => this.#change(change))
      .finally(() => {
        clearTimeout(timer);
        this.#wasShown();
      });
  }

  get ticket(): Kind {
    return this.#ticket;
  }

  /** Ends the login; what was let in meanwhile is logged out. */
  end(state: "expired" | "cancelled"): void {
    this.#abandon.abort(new LoginAbandoned(state));
    this.#asking?.reject(this.#abandon.signal.reason);
    this.#asking = null;
  }

  /** Tries an answer; comes back when Telegram has judged it. False where that is not what is asked for. */
  async answer(answer: Answer): Promise<boolean> {
    const asking = this.#asking;
    if (!asking?.kinds.includes(answer.kind)) return false;
    this.#asking = null;
    const judged = new Promise<void>((resolve) => {
      this.#judged = resolve;
    });
    asking.resolve(answer);
    await judged;
    return true;
  }

  /** Somebody has heard that something has happened at Telegram: it is asked at once. */
  hint(): void {
    this.#hinted?.();
  }

  /** Its person is shown this: nothing of what is told of it changes. */
  show(shown: Agreed): void {
    if (hasEnded(this.#ticket)) return;
    this.#ticket = { ...this.#ticket, shown };
    this.#onChange(this.#ticket);
  }

  #telling(): Telling<Kind> {
    const { signal } = this.#abandon;
    return {
      signal,
      tell: (change) => this.#change(change),
      shown: () => this.#wasShown(),
      ask: (kinds, change) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(signal.reason);
          // Whoever answers was checked to answer one of these kinds.
          this.#asking = { kinds, resolve: resolve as Asking["resolve"], reject };
          this.#change(change);
        }),
      onHint: (listener) => {
        this.#hinted = listener;
      },
      agreed: () => this.#ticket.shown,
    };
  }

  #change(change: Partial<Kind>): void {
    if (hasEnded(this.#ticket)) return;
    this.#ticket = { ...this.#ticket, ...change, version: this.#ticket.version + 1 };
    this.#onChange(this.#ticket);
    this.#judged?.();
    this.#judged = null;
  }
}

export const UNEXPECTED = "unexpected";

/** The state that a login ends in by what it was ended with. */
export function endOf(error: unknown): EndedState {
  if (error instanceof LoginAbandoned) return error.reason === "cancelled" ? "cancelled" : "expired";
  return error instanceof WrongAccount ? "wrong_account" : "failed";
}

/** Why, in a word of Telegram's or a sentence; null where it was ended from outside. */
export function reasonOf(error: unknown): string | null {
  if (error instanceof LoginAbandoned) return null;
  if (error instanceof TelegramError) return error.errorName;
  if (error instanceof ConsentMissing) return "CONSENT_MISSING";
  return error instanceof OperatorError ? error.message : UNEXPECTED;
}
