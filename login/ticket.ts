import type { PasswordParameters } from "../telegram/login/password.ts";

/** While a ticket lives it is in one of its session's pending states. */
export type LivingState = "PENDING_QR" | "PENDING_PASSWORD";
export type EndedState = "AUTHORIZED" | "expired" | "cancelled" | "wrong_account" | "failed";

/** One login by QR code, as whoever asked for it is told of it. */
export interface TicketView {
  readonly state: LivingState | EndedState;
  readonly tenantId: string;
  readonly appId: string | null;
  /** Counts changes, so that a reader sees whether there is something new. */
  readonly version: number;
  readonly endsAt: Date;
  /** `tg://login?token=…`: to be drawn as a QR code, while PENDING_QR. */
  readonly link: string | null;
  readonly linkExpiresAt: Date | null;
  /** What a proof of the two-step password is made from, while PENDING_PASSWORD. */
  readonly password: PasswordParameters | null;
  /** Why the last password was refused, or the login failed: Telegram's name for it, or a sentence. */
  readonly reason: string | null;
  /** Who has logged in, once AUTHORIZED. */
  readonly telegramId: bigint | null;
}

/** A ticket as its process keeps it, and as Redis holds it for the others. */
export type Ticket = TicketView & {
  /** Whose it is, in the words of whoever asks: it is shown to nobody else. */
  readonly asker: string;
  /** The process that holds it. */
  readonly holder: string;
};

const ENDED: readonly string[] = [
  "AUTHORIZED",
  "expired",
  "cancelled",
  "wrong_account",
  "failed",
] satisfies EndedState[];

export const hasEnded = ({ state }: Pick<TicketView, "state">): boolean => ENDED.includes(state);

/** What an ended ticket has nothing of any more. */
export const NOTHING_SHOWN = { link: null, linkExpiresAt: null, password: null } as const;

export function viewOf({ asker: _, holder: __, ...view }: Ticket): TicketView {
  return view;
}
