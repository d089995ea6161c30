import { OperatorError } from "../runtime/operator-error.ts";
import { TelegramError } from "../telegram/errors.ts";
import { LoginAbandoned, type LoginDependencies, WrongAccount } from "../telegram/login/custody.ts";
import { logInByQr, type QrLoginFor } from "../telegram/login/log-in-by-qr.ts";
import type { OpenLoginWire } from "../telegram/login/login-wire.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import { type EndedState, hasEnded, NOTHING_SHOWN, type Ticket } from "./ticket.ts";

/** A ticket in the process that holds it: its login, from the first code to its end. */
export class HeldTicket {
  #ticket: Ticket;
  readonly #abandon = new AbortController();
  readonly #onChange: (ticket: Ticket) => void;
  /** Answered by the next proof. */
  #asking: { resolve(proof: PasswordProof): void; reject(error: unknown): void } | null = null;
  /** Whoever gave a proof, until it is judged. */
  #judged: (() => void) | null = null;
  /** Resolves at the first code, or at the end where there was none. */
  readonly shown: Promise<void>;
  #wasShown: () => void = () => {};
  readonly ended: Promise<void>;

  constructor(
    ticket: Ticket,
    options: {
      readonly deps: LoginDependencies;
      readonly who: QrLoginFor;
      readonly open: OpenLoginWire;
      readonly lifeMs: number;
      readonly onChange: (ticket: Ticket) => void;
    },
  ) {
    this.#ticket = ticket;
    this.#onChange = options.onChange;
    this.shown = new Promise((resolve) => {
      this.#wasShown = resolve;
    });
    const timer = setTimeout(() => this.end("expired"), options.lifeMs);
    this.ended = this.#run(options).finally(() => clearTimeout(timer));
  }

  get ticket(): Ticket {
    return this.#ticket;
  }

  /** Ends the login; what was accepted meanwhile is logged out. */
  end(state: "expired" | "cancelled"): void {
    this.#abandon.abort(new LoginAbandoned(state));
    this.#asking?.reject(this.#abandon.signal.reason);
  }

  /** Tries a proof; comes back when Telegram has judged it. False where no password is asked for. */
  async prove(proof: PasswordProof): Promise<boolean> {
    const asking = this.#asking;
    if (!asking) return false;
    this.#asking = null;
    const judged = new Promise<void>((resolve) => {
      this.#judged = resolve;
    });
    asking.resolve(proof);
    await judged;
    return true;
  }

  async #run({ deps, who, open }: { deps: LoginDependencies; who: QrLoginFor; open: OpenLoginWire }): Promise<void> {
    try {
      const { me } = await logInByQr(
        deps,
        who,
        {
          show: ({ link, expiresAt }) => {
            this.#change({ link, linkExpiresAt: expiresAt });
            this.#wasShown();
          },
          password: (parameters, refused) =>
            new Promise((resolve, reject) => {
              if (this.#abandon.signal.aborted) return reject(this.#abandon.signal.reason);
              this.#asking = { resolve, reject };
              const change = { ...NOTHING_SHOWN, password: parameters, reason: refused };
              this.#change({ ...change, state: "PENDING_PASSWORD" });
            }),
        },
        this.#abandon.signal,
        open,
      );
      this.#change({ ...NOTHING_SHOWN, state: "AUTHORIZED", reason: null, telegramId: me.id });
    } catch (error) {
      this.#change({ ...NOTHING_SHOWN, state: endOf(error), reason: reasonOf(error) });
      if (reasonOf(error) === UNEXPECTED) deps.log.error({ err: error }, "login by QR code failed");
    } finally {
      this.#wasShown();
    }
  }

  #change(change: Partial<Ticket>): void {
    if (hasEnded(this.#ticket)) return;
    this.#ticket = { ...this.#ticket, ...change, version: this.#ticket.version + 1 };
    this.#onChange(this.#ticket);
    this.#judged?.();
    this.#judged = null;
  }
}

const UNEXPECTED = "unexpected";

function endOf(error: unknown): EndedState {
  if (error instanceof LoginAbandoned) return error.reason === "cancelled" ? "cancelled" : "expired";
  return error instanceof WrongAccount ? "wrong_account" : "failed";
}

function reasonOf(error: unknown): string | null {
  if (error instanceof LoginAbandoned) return null;
  if (error instanceof TelegramError) return error.errorName;
  return error instanceof OperatorError ? error.message : UNEXPECTED;
}
