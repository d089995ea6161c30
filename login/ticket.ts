import type { Agreed } from "../db/consents.ts";
import type { PasswordParameters } from "../telegram/login/password.ts";

/** While a ticket lives it is in one of its session's pending states. */
export type LivingState = "PENDING_QR" | "PENDING_PASSWORD";
export type EndedState = "AUTHORIZED" | "expired" | "cancelled" | "wrong_account" | "failed";

/** What every ticket tells whoever asked for it, whatever way its login goes. */
interface AnyView {
  readonly tenantId: string;
  readonly appId: string | null;
  /** Counts changes, so that a reader sees whether there is something new. */
  readonly version: number;
  readonly endsAt: Date;
  /** What a proof of the two-step password is made from, while PENDING_PASSWORD. */
  readonly password: PasswordParameters | null;
  /** Why the last answer was refused, or the login failed: Telegram's name for it, or a sentence. */
  readonly reason: string | null;
  /** Who has logged in, once AUTHORIZED. */
  readonly telegramId: bigint | null;
}

/** One login by QR code, as whoever asked for it is told of it. */
export interface TicketView extends AnyView {
  readonly state: LivingState | EndedState;
  /** `tg://login?token=…`: to be drawn as a QR code, while PENDING_QR. */
  readonly link: string | null;
  readonly linkExpiresAt: Date | null;
}

/** A login code on its way. */
export interface CodeView {
  /** Where it went, in Telegram's word: app, sms, call, … */
  readonly type: string;
  /** Its digits; null where Telegram does not say. */
  readonly length: number | null;
  /** How it goes when it is sent again; null where Telegram has no other way. */
  readonly nextType: string | null;
  /** From when on it may be sent again; null where it may not. */
  readonly resendAt: Date | null;
}

/** One login by phone and code, likewise. */
export interface CodeTicketView extends AnyView {
  readonly state: "PENDING_CODE" | "PENDING_PASSWORD" | EndedState;
  /** While PENDING_CODE, once it was sent. */
  readonly code: CodeView | null;
  /** Of a code that was sent: Telegram's name for it, for whoever asks for it by that. */
  readonly phoneCodeHash: string | null;
  /** What the account calls itself, once AUTHORIZED; null where it does not. */
  readonly accountName: string | null;
  /** When it may be tried again, where Telegram or the day's number of codes asks to wait. */
  readonly retryAt: Date | null;
}

/** Beside what is told. */
interface Kept {
  /** Whose it is, in the words of whoever asks: it is shown to nobody else. */
  readonly asker: string;
  /** The process that holds it. */
  readonly holder: string;
  /** Whose account must log in; null: whoever comes. */
  readonly expected: bigint | null;
  /** What its person was shown, so that they know what they agree to; null: nothing yet. */
  readonly shown: Agreed | null;
}

export type QrTicket = TicketView & Kept & { readonly kind: "qr" };
export type CodeTicket = CodeTicketView & Kept & { readonly kind: "code" };

/** A ticket as its process keeps it, and as Redis holds it for the others. */
export type Ticket = QrTicket | CodeTicket;

const ENDED: readonly string[] = [
  "AUTHORIZED",
  "expired",
  "cancelled",
  "wrong_account",
  "failed",
] satisfies EndedState[];

export const hasEnded = ({ state }: { readonly state: string }): boolean => ENDED.includes(state);

/** What an ended ticket has nothing of any more. */
export const NOTHING_SHOWN = { link: null, linkExpiresAt: null, password: null } as const;
export const NO_CODE = { code: null, phoneCodeHash: null, password: null } as const;

/** A ticket whose process is dead. */
export function expired(ticket: Ticket): Ticket {
  const over = { state: "expired", version: ticket.version + 1 } as const;
  return ticket.kind === "qr" ? { ...ticket, ...NOTHING_SHOWN, ...over } : { ...ticket, ...NO_CODE, ...over };
}

export function viewOf({
  asker: _,
  holder: __,
  kind: ___,
  expected: ____,
  shown: _____,
  ...view
}: QrTicket): TicketView {
  return view;
}

export function codeViewOf({
  asker: _,
  holder: __,
  kind: ___,
  expected: ____,
  shown: _____,
  ...view
}: CodeTicket): CodeTicketView {
  return view;
}
