import type { Clock } from "../../runtime/clock.ts";
import { sleep } from "../../runtime/sleep.ts";
import type { Me } from "../api.ts";
import { LoginRefused, Transient } from "../errors.ts";
import { LoginAbandoned } from "./custody.ts";
import type { LoginEvents, LoginToken, LoginWire } from "./login-wire.ts";
import { ASK_AGAIN, type PasswordParameters, type PasswordProof } from "./password.ts";

/** A token to be scanned. It logs our key in to the account whose owner accepts it. */
export interface ShownToken {
  /** `tg://login?token=…` (core.telegram.org/api/qr-login). */
  readonly link: string;
  readonly expiresAt: Date;
}

/** Whoever logs in by a QR code is shown the codes, and asked for the password. */
export interface QrAsking {
  /** Shows this one from now on: the first one, and each that takes an expiring one's place. */
  show(token: ShownToken): void;
  /** Given what to call when somebody has heard that the token was accepted: then Telegram is asked at once. */
  onHint?(wake: () => void): void;
  /**
   * The two-step password, or a proof by these parameters that it is known. `refused` is why the last answer was not
   * good, null the first time. Rejects where no answer will come.
   */
  password(parameters: PasswordParameters, refused: string | null): Promise<string | PasswordProof>;
}

export interface QrSteps {
  /** Opens a connection; "" makes a new key. */
  open(secret: string, hears: LoginEvents): Promise<LoginWire>;
  /** Keeps the key: before anything that may log it in. */
  seal(secret: string): Promise<void>;
  /** The account asks for its password. */
  awaitPassword(): Promise<void>;
}

/** A new token is asked for so long before the old one ends: the time between looking at a screen and accepting. */
const RENEW_BEFORE_MS = 5_000;
const LONGEST_TOKEN_MS = 60_000;
const SHORTEST_RENEWAL_MS = 250;
/** Connections lost in a row before the login is given up. */
const RECONNECTIONS = 3;
const PASSWORDS = 5;

type Answer = LoginToken | { readonly kind: "password" };

/** A login by QR code: from the first token to the account. The connection stays open, for whatever has to follow. */
export class QrLogin {
  readonly #steps: QrSteps;
  readonly #asking: QrAsking;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #wire: LoginWire | null = null;
  #secret = "";
  #lost = false;
  /** Aborted by what makes it worth asking Telegram again: an update, or a lost connection. */
  #woken = new AbortController();

  /** @param signal ends it: nobody waits any more, or the lease is lost */
  constructor(steps: QrSteps, asking: QrAsking, clock: Clock, signal: AbortSignal) {
    this.#steps = steps;
    this.#asking = asking;
    this.#clock = clock;
    this.#signal = signal;
    asking.onHint?.(() => this.#woken.abort());
  }

  /** The key's session as it is sealed now; "" before there is one. Secret. */
  get secret(): string {
    return this.#secret;
  }

  /**
   * @throws LoginAbandoned, or the signal's reason, when that is aborted; LoginRefused after too many wrong passwords;
   * and the other errors of `telegram/errors`. Whatever it throws, the key may be logged in once a token was shown
   */
  async run(): Promise<Me> {
    await this.#connect();
    for (;;) {
      const answer = await this.#ask((wire) => wire.exportToken());
      const next = answer.kind === "moved" ? await this.#follow(answer) : answer;
      if (next.kind === "done") return next.me;
      if (next.kind === "password") return this.#provePassword();
      // A second move at once: asked again from the beginning.
      if (next.kind === "token") await this.#shown(next);
    }
  }

  /** A connection to what the key says, for logging it out; the last one where that still lives. */
  async wire(): Promise<LoginWire> {
    if (!this.#wire || this.#lost) await this.#connect();
    if (!this.#wire) throw new Transient("NOT_CONNECTED", "login");
    return this.#wire;
  }

  async close(): Promise<void> {
    await this.#wire?.close();
  }

  async #connect(): Promise<void> {
    await this.#wire?.close();
    this.#wire = null;
    this.#lost = false;
    this.#woken = new AbortController();
    const wire = await this.#steps.open(this.#secret, {
      tokenAccepted: () => this.#woken.abort(),
      ended: () => {
        this.#lost = true;
        this.#woken.abort();
      },
    });
    this.#wire = wire;
    await this.#keep(wire);
  }

  async #keep(wire: LoginWire): Promise<void> {
    const secret = wire.session();
    if (secret === this.#secret) return;
    await this.#steps.seal(secret);
    this.#secret = secret;
  }

  /** The key of the account's own data center is sealed before the import logs it in. */
  async #follow({ dcId, token }: { dcId: number; token: Buffer }): Promise<Answer> {
    const wire = await this.wire();
    await wire.moveTo(dcId);
    await this.#keep(wire);
    return this.#ask((current) => current.importToken(token));
  }

  /** One question about the token; over a new connection where the old one is lost. */
  async #ask(question: (wire: LoginWire) => Promise<LoginToken>): Promise<Answer> {
    try {
      return await this.#persist(question);
    } catch (error) {
      if (error instanceof LoginRefused && error.errorName === "SESSION_PASSWORD_NEEDED") return { kind: "password" };
      throw error;
    }
  }

  async #persist<T>(call: (wire: LoginWire) => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      this.#assertWanted();
      try {
        return await call(await this.wire());
      } catch (error) {
        if (!(error instanceof Transient) || failures === RECONNECTIONS) throw error;
        this.#lost = true;
      }
    }
  }

  /** Until it is accepted, or about to expire. */
  async #shown({ token, expiresAt }: { token: Buffer; expiresAt: Date }): Promise<void> {
    this.#asking.show({ link: `tg://login?token=${token.toString("base64url")}`, expiresAt });
    // Clocks differ: a token that seems over already, or good for hours, is renewed in good time all the same.
    const lifeMs = Math.min(LONGEST_TOKEN_MS, Math.max(0, expiresAt.getTime() - this.#clock.now()));
    const renewMs = lifeMs > 3 * RENEW_BEFORE_MS ? lifeMs - RENEW_BEFORE_MS : lifeMs / 2;
    await sleep(Math.max(SHORTEST_RENEWAL_MS, renewMs), AbortSignal.any([this.#signal, this.#woken.signal]));
    if (!this.#lost) this.#woken = new AbortController();
    this.#assertWanted();
  }

  async #provePassword(): Promise<Me> {
    await this.#steps.awaitPassword();
    let refused: string | null = null;
    for (let tries = 1; ; tries += 1) {
      const parameters = await this.#persist((wire) => wire.passwordParameters());
      const given = await this.#asking.password(parameters, refused);
      try {
        const wire = await this.wire();
        return typeof given === "string" ? await wire.checkPassword(given) : await wire.checkProof(given);
      } catch (error) {
        refused = this.#mayBeAskedAgain(error, tries);
      }
      if (refused !== null) continue;
      // The answer was lost on its way: what has come of it, the token tells.
      const answer = await this.#ask((wire) => wire.exportToken());
      if (answer.kind === "done") return answer.me;
      if (answer.kind !== "password") throw new LoginRefused("SESSION_PASSWORD_NEEDED", "auth.checkPassword");
    }
  }

  /** Why it was refused; null where nobody knows whether it was. */
  #mayBeAskedAgain(error: unknown, tries: number): string | null {
    if (tries < PASSWORDS && error instanceof LoginRefused && ASK_AGAIN.includes(error.errorName))
      return error.errorName;
    if (!(error instanceof Transient)) throw error;
    this.#lost = true;
    return null;
  }

  #assertWanted(): void {
    if (!this.#signal.aborted) return;
    const { reason } = this.#signal;
    throw reason instanceof Error && reason.name !== "AbortError" ? reason : new LoginAbandoned("abandoned");
  }
}
