import { LoginBusy } from "../../db/login-conflicts.ts";
import type { SessionInfo } from "../../db/sessions.ts";
import type { Me } from "../api.ts";
import { openLoginWire } from "../gramjs/login-wire.ts";
import type { Lease } from "../lease.ts";
import type { LoginApi } from "../own-api-ids.ts";
import { chooseSession, type LoginFor } from "./choose-session.ts";
import { abandonedBy, LoginCustody, type LoginDependencies, WrongAccount } from "./custody.ts";
import type { OpenLoginWire } from "./login-wire.ts";
import { type QrAsking, QrLogin } from "./qr-code.ts";

/**
 * Logs somebody in by a QR code, and by the two-step password where there is one. The key is leased and sealed before
 * the first call that may log it in. Whatever ends the login before AUTHORIZED, the signal included, its key is logged
 * out and forgotten by Telegram and by us; where that cannot be done now it stays sealed, in a pending state, for
 * `endAbandonedLogins`.
 *
 * @throws WrongAccount after another account than the expected one was logged out again
 * @throws LoginAbandoned when `signal` is aborted, unless its reason is an error of its own
 * @throws OperatorError where it cannot begin; LoginRefused and the other errors of `telegram/errors`
 */
export async function logInByQr(
  deps: LoginDependencies,
  who: LoginFor,
  asking: QrAsking,
  signal: AbortSignal,
  open: OpenLoginWire = openLoginWire,
): Promise<{ me: Me; session: SessionInfo }> {
  const { session, api } = await chooseSession(deps, who);
  const lease = await deps.fleet.leases.acquire(session.id);
  if (!lease) throw new LoginBusy("another login, or another process, works with this session: try again later");
  try {
    return await underLease(deps, { session, api, lease, who }, asking, signal, open);
  } finally {
    await lease.release();
  }
}

async function underLease(
  deps: LoginDependencies,
  { session, api, lease, who }: { session: SessionInfo; api: LoginApi; lease: Lease; who: LoginFor },
  asking: QrAsking,
  signal: AbortSignal,
  open: OpenLoginWire,
): Promise<{ me: Me; session: SessionInfo }> {
  const custody = new LoginCustody(deps, session, api, lease);
  await custody.begin("PENDING_QR");
  const login = new QrLogin(
    {
      open: (secret, hears) => open(custody.connectOptions(secret), hears),
      seal: (secret) => custody.seal(secret),
      awaitPassword: () => custody.awaitPassword(),
    },
    asking,
    deps.clock,
    AbortSignal.any([signal, custody.signal]),
  );
  try {
    const me = await login.run();
    if (custody.expected !== null && me.id !== custody.expected)
      throw new WrongAccount(`account ${me.id} has logged in, not ${custody.expected}: nothing of it is kept`);
    await login.close();
    return { me, session: await custody.finish(login.secret, me.id, "logged in by QR code", who) };
  } catch (error) {
    await end(deps, custody, login, error);
    throw signal.aborted && !(error instanceof WrongAccount) ? abandonedBy(signal) : error;
  }
}

/** Nobody stays logged in with the key of a login that failed, whoever may have accepted its token meanwhile. */
async function end(deps: LoginDependencies, custody: LoginCustody, login: QrLogin, error: unknown): Promise<void> {
  try {
    await custody.noteRefusal(error);
    if (login.secret !== "") await custody.discard(await login.wire());
    await login.close();
    await custody.giveUp(error);
  } catch (failure) {
    await login.close();
    deps.log.warn({ err: failure }, "an ended login's key is not logged out yet");
  }
}
