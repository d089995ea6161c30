import type { PasswordParameters, PasswordProof } from "./srp.ts";

/** How a login by QR code stands. */
export interface Status {
  readonly status:
    | "not_found"
    | "PENDING_QR"
    | "PENDING_PASSWORD"
    | "AUTHORIZED"
    | "expired"
    | "cancelled"
    | "wrong_account"
    | "failed";
  readonly qr_link?: string;
  readonly qr_seconds_left?: number;
  readonly password?: PasswordParameters;
  readonly reason?: string;
}

/** A login code on its way. */
export interface SentCode {
  readonly type: string;
  /** ISO 8601; null where it cannot be sent again. */
  readonly resend_at: string | null;
}

export interface CodeStarted {
  readonly ticket: string;
  readonly code: SentCode;
}

export interface CodeVerdict {
  readonly status: "AUTHORIZED" | "PENDING_PASSWORD";
  readonly message: string;
  readonly password?: PasswordParameters;
}

/** Our server has said no. */
export class Refused extends Error {
  override name = "Refused";
  readonly status: number;
  /** `{error: {code}}` of its answer. */
  readonly code: string;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, code: string, retryAfterSeconds: number | null) {
    super(code);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** It could not be asked, or did not answer. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

const ANSWERS_WITHIN_MS = 15_000;
/** A password's proof goes to Telegram and back before it is answered. */
const TELEGRAM_ANSWERS_WITHIN_MS = 60_000;

/** Who has opened the page, signed by Telegram; "" where it has not said. */
export interface Proof {
  readonly initData: string;
  forgetInitData(): void;
}

/**
 * Our server's routes for this page. Each throws Refused or Unreachable.
 *
 * @param terms the sha256 of the text that the page shows; null where it shows none
 */
export function createApi(telegram: Proof, terms: string | null) {
  async function ask(path: string, body: object | null, withinMs: number): Promise<unknown> {
    const { initData } = telegram;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), withinMs);
    let answer: Response;
    let said: unknown;
    try {
      answer = await fetch(path, {
        method: body ? "POST" : "GET",
        headers: {
          ...(body ? { "content-type": "application/json" } : {}),
          ...(initData ? { authorization: `tma ${initData}` } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: timeout.signal,
      });
      said = await answer.json();
    } catch {
      throw new Unreachable();
    } finally {
      clearTimeout(timer);
    }
    if (answer.ok) return said;
    const code = (said as { error?: { code?: string } } | null)?.error?.code ?? "unknown";
    if (code === "not_proven" && initData) {
      // It proves something for five minutes only; from then on the ticket speaks for itself.
      telegram.forgetInitData();
      return ask(path, body, withinMs);
    }
    if (code === "unknown" || code === "unavailable") throw new Unreachable();
    const retryAfter = Number(answer.headers.get("retry-after"));
    throw new Refused(answer.status, code, retryAfter > 0 ? retryAfter : null);
  }
  const get = async <T>(path: string) => (await ask(path, null, ANSWERS_WITHIN_MS)) as T;
  const post = async <T>(path: string, body: object) => (await ask(path, body, TELEGRAM_ANSWERS_WITHIN_MS)) as T;
  const named = (ticket: string) => ({ session_id: ticket });

  return {
    status: (ticket: string) =>
      get<Status>(`/qr-auth-status?session_id=${encodeURIComponent(ticket)}${terms ? `&terms=${terms}` : ""}`),
    password: (ticket: string, proof: PasswordProof) =>
      post<Status>("/qr-auth/password", { ...named(ticket), ...proof }),
    /** Begins anew for whoever's ticket this was; gives the new one. */
    async renew(ticket: string | null): Promise<string> {
      try {
        if (ticket === null) throw new Refused(404, "not_found", null);
        return (await post<{ session_id: string }>("/qr-auth/renew", named(ticket))).session_id;
      } catch (error) {
        // The ticket ended too long ago: now only Telegram can say who this is.
        if (!(error instanceof Refused && error.code === "not_found" && telegram.initData)) throw error;
        return (await post<{ ticket: string }>("/api/qr/start", {})).ticket;
      }
    },
    sendCode: (phone: string, ticket: string | null) =>
      post<CodeStarted>("/api/login/code", {
        phone,
        ...(ticket === null ? (terms === null ? {} : { terms }) : named(ticket)),
      }),
    resendCode: (ticket: string) => post<{ code: SentCode }>("/api/login/code/resend", { ticket }),
    verifyCode: (ticket: string, code: string) => post<CodeVerdict>("/api/login/code/verify", { ticket, code }),
    verifyProof: (ticket: string, proof: PasswordProof) =>
      post<CodeVerdict>("/api/login/code/verify", { ticket, ...proof }),
  };
}

export type Api = ReturnType<typeof createApi>;
