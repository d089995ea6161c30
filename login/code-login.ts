import { NotAdmitted } from "../db/admission.ts";
import { LoggedInAlready, LoginBusy } from "../db/login-conflicts.ts";
import { AccountFrozen, FloodWait, LeaseLost, TelegramError, Transient, WaitRunning } from "../telegram/errors.ts";
import { CodesUsedUp } from "../telegram/login/codes-used-up.ts";
import type { LoginDependencies } from "../telegram/login/custody.ts";
import { logInByPhone, type PhoneLoginFor, RESEND } from "../telegram/login/log-in.ts";
import type { OpenLoginWire, SentCode } from "../telegram/login/login-wire.ts";
import { endOf, type RunLogin, reasonOf, UNEXPECTED } from "./held-ticket.ts";
import { type CodeTicket, type CodeView, NO_CODE } from "./ticket.ts";

/** A login by phone and code, as its ticket tells of it. */
export function codeLogin(deps: LoginDependencies, who: PhoneLoginFor, open: OpenLoginWire): RunLogin<CodeTicket> {
  let shown: { readonly sent: SentCode; readonly code: CodeView } | null = null;
  return async (telling) => {
    const { me } = await logInByPhone(
      deps,
      { ...who, agreed: telling.agreed },
      {
        async code(sent, refused) {
          if (shown?.sent !== sent) shown = { sent, code: viewOfCode(sent, deps.clock.now()) };
          const { code } = shown;
          const change = { state: "PENDING_CODE", code, phoneCodeHash: sent.phoneCodeHash, reason: refused } as const;
          const answer = telling.ask(["code", "resend"], change);
          telling.shown();
          const given = await answer;
          return given.kind === "code" ? given.code : RESEND;
        },
        async password(parameters, refused) {
          const asked = { ...NO_CODE, password: parameters, reason: refused };
          const { proof } = await telling.ask(["proof"], { ...asked, state: "PENDING_PASSWORD" });
          return proof;
        },
      },
      telling.signal,
      open,
    );
    return {
      ...NO_CODE,
      state: "AUTHORIZED",
      reason: null,
      telegramId: me.id,
      accountName: me.firstName ?? me.username,
    };
  };
}

function viewOfCode({ type, length, nextType, timeout }: SentCode, now: number): CodeView {
  const resendAt = nextType === null ? null : new Date(now + (timeout ?? 0) * 1_000);
  return { type, length, nextType, resendAt };
}

/** What the ticket of such a login is once it has failed: its reason is a name in capitals, Telegram's or one of ours. */
export function codeFailed(deps: Pick<LoginDependencies, "log" | "clock">, error: unknown): Partial<CodeTicket> {
  const reason = nameOf(error);
  if (reason === UNEXPECTED) deps.log.error({ err: error }, "login by code failed");
  // Telegram's code is over, and with it this login.
  const state = reason === "PHONE_CODE_EXPIRED" ? "expired" : endOf(error);
  return { ...NO_CODE, state, reason, retryAt: retryAt(error, deps.clock.now()) };
}

function nameOf(error: unknown): string | null {
  if (error instanceof FloodWait || error instanceof WaitRunning) return "FLOOD_WAIT";
  if (error instanceof Transient || error instanceof LeaseLost) return "TELEGRAM_UNAVAILABLE";
  if (error instanceof AccountFrozen) return "ACCOUNT_FROZEN";
  if (error instanceof TelegramError) return error.errorName;
  if (error instanceof CodesUsedUp) return "CODES_USED_UP";
  if (error instanceof LoginBusy) return "LOGIN_UNDER_WAY";
  if (error instanceof LoggedInAlready) return "LOGGED_IN_ALREADY";
  if (error instanceof NotAdmitted)
    return error.refusal === "unknown_user" ? "UNKNOWN_USER" : `INVITE_${error.refusal.toUpperCase()}`;
  return reasonOf(error);
}

function retryAt(error: unknown, now: number): Date | null {
  if (error instanceof WaitRunning) return error.until;
  if (error instanceof FloodWait) return new Date(now + error.seconds * 1_000);
  // They are counted by UTC's day.
  return error instanceof CodesUsedUp ? new Date((Math.floor(now / DAY_MS) + 1) * DAY_MS) : null;
}

const DAY_MS = 86_400_000;
