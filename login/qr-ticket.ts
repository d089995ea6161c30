import type { LoginFor } from "../telegram/login/choose-session.ts";
import type { LoginDependencies } from "../telegram/login/custody.ts";
import { logInByQr } from "../telegram/login/log-in-by-qr.ts";
import type { OpenLoginWire } from "../telegram/login/login-wire.ts";
import { endOf, type RunLogin, reasonOf, UNEXPECTED } from "./held-ticket.ts";
import { NOTHING_SHOWN, type QrTicket } from "./ticket.ts";

/** A login by QR code, as its ticket tells of it. */
export function qrLogin(deps: LoginDependencies, who: LoginFor, open: OpenLoginWire): RunLogin<QrTicket> {
  return async (telling) => {
    const { me } = await logInByQr(
      deps,
      { ...who, agreed: telling.agreed },
      {
        show: ({ link, expiresAt }) => {
          telling.tell({ link, linkExpiresAt: expiresAt });
          telling.shown();
        },
        onHint: telling.onHint,
        async password(parameters, refused) {
          const asked = { ...NOTHING_SHOWN, password: parameters, reason: refused };
          const { proof } = await telling.ask(["proof"], { ...asked, state: "PENDING_PASSWORD" });
          return proof;
        },
      },
      telling.signal,
      open,
    );
    return { ...NOTHING_SHOWN, state: "AUTHORIZED", reason: null, telegramId: me.id };
  };
}

/** What the ticket of such a login is once it has failed. */
export function qrFailed(deps: Pick<LoginDependencies, "log">, error: unknown): Partial<QrTicket> {
  const reason = reasonOf(error);
  if (reason === UNEXPECTED) deps.log.error({ err: error }, "login by QR code failed");
  return { ...NOTHING_SHOWN, state: endOf(error), reason };
}
