import { type CodeVerdict, Refused, type Status } from "./api.ts";
import { h } from "./dom.ts";
import { spinner } from "./icons.ts";
import type { Page } from "./page.ts";
import { codeScreen } from "./screens/code.ts";
import { type End, endScreen } from "./screens/end.ts";
import { type PasswordScreen, type ProofRefused, passwordScreen } from "./screens/password.ts";
import { type SignIn, signInScreen, type Way } from "./screens/sign-in.ts";
import type { PasswordParameters, PasswordProof } from "./srp.ts";
import { type Watch, watchStatus } from "./watch.ts";

/** Long enough to read that it is done. */
const CLOSES_AFTER_MS = 2_500;

/** What a login by phone is refused with once it has come to nothing. */
const ENDS: Readonly<Record<string, End>> = {
  ...{ wrong_account: "wrong_account", wrong_user: "wrong_user", not_configured: "unavailable" },
  ...{ expired: "expired", ticket_ended: "expired", not_found: "expired" },
  ...{ cancelled: "cancelled", login_failed: "failed" },
};

/** Shows one login after the other, from its first code to its end. */
export function runLogin(page: Page, firstTicket: string | null): void {
  const { texts, telegram, api, stage } = page;
  let ticket = firstTicket;
  let way: Way = "code";
  let watch: Watch | null = null;
  let signIn: SignIn | null = null;
  let asking: PasswordScreen | null = null;
  /** A code was asked for by phone: that ends the login by QR code, whatever comes of it. */
  let triedPhone = false;
  let renewing = false;

  function follow(followed: string): void {
    ticket = followed;
    rememberTicket(followed);
    if (stage.current !== signIn) signIn = null;
    asking = null;
    triedPhone = false;
    watch?.stop();
    watch = watchStatus({
      page: document,
      network: window,
      ask: () => api.status(followed),
      onStatus: show,
      onTrouble: (trouble) => stage.trouble(trouble === null ? null : texts[trouble]),
      onRefused: ({ code, status }) => {
        if (code === "wrong_user" || code === "unknown_user") end("wrong_user");
        else if (status === 503) end("unavailable");
        else end("not_found");
      },
    });
  }

  function show(status: Status): void {
    switch (status.status) {
      case "PENDING_QR":
        if (signIn === null) {
          signIn = signInScreen(page, { way, onWay: chooseWay, onPhone: sendCode });
          signIn.update(status);
          stage.show(signIn);
        } else signIn.update(status);
        return;
      case "PENDING_PASSWORD":
        if (!status.password) return;
        if (asking === null) ask(status.password, proveToTicket);
        else asking.update(status.password);
        return;
      case "AUTHORIZED":
        end("authorized");
        return;
      case "cancelled":
        if (triedPhone && stage.current === signIn) giveUpCode();
        else end("cancelled");
        return;
      default:
        end(status.status, status.reason);
    }
  }

  /** The code shown is good for nothing any more; another is asked for once somebody wants to see one. */
  function giveUpCode(): void {
    watch?.stop();
    watch = null;
    signIn?.void();
    chooseWay(way);
  }

  function chooseWay(chosen: Way): void {
    way = chosen;
    if (way === "phone" || watch !== null || renewing) return;
    renewing = true;
    renew()
      .catch(() => end("cancelled"))
      .finally(() => {
        renewing = false;
      });
  }

  function end(how: End, reason?: string): void {
    watch?.stop();
    stage.trouble(null);
    telegram.onBack(null);
    const canRenew = !["authorized", "wrong_user", "unavailable"].includes(how);
    // Without a ticket that could be renewed, only Telegram can say whose the new one is.
    const again = canRenew && (how !== "not_found" || telegram.initData !== "") ? renew : null;
    stage.show(endScreen(page, how, { reason, again }));
    if (how === "authorized") setTimeout(() => telegram.close(), CLOSES_AFTER_MS);
  }

  async function renew(): Promise<void> {
    follow(await api.renew(ticket));
  }

  function ask(parameters: PasswordParameters, onProof: (proof: PasswordProof) => Promise<ProofRefused | null>): void {
    asking = passwordScreen(page, parameters, onProof);
    stage.show(asking);
  }

  async function proveToTicket(proof: PasswordProof): Promise<ProofRefused | null> {
    if (ticket === null || watch === null) return null;
    const proven = ticket;
    const status = await watch.meanwhile(() => api.password(proven, proof));
    if (status.status === "PENDING_PASSWORD" && status.password)
      return { next: status.password, stale: status.reason === "SRP_ID_INVALID" };
    show(status);
    return null;
  }

  async function sendCode(phone: string): Promise<void> {
    triedPhone = true;
    const started = await api.sendCode(phone, ticket).catch(endedBy);
    if (!started) return;
    // That has ended the login by QR code.
    watch?.stop();
    stage.trouble(null);
    const back = () => {
      telegram.onBack(null);
      waiting(page);
      renew().catch(() => end("cancelled"));
    };
    telegram.onBack(back);
    const onCode = async (code: string) => {
      const verdict = await api.verifyCode(started.ticket, code).catch(endedBy);
      if (verdict) judged(started.ticket, verdict);
    };
    stage.show(codeScreen(page, phone, started, { onCode, onBack: back }));
  }

  function judged(codeTicket: string, verdict: CodeVerdict): void {
    if (verdict.status === "AUTHORIZED" || !verdict.password) {
      end(verdict.status === "AUTHORIZED" ? "authorized" : "failed");
      return;
    }
    ask(verdict.password, async (proof) => {
      const next = await api.verifyProof(codeTicket, proof).catch(endedBy);
      if (next?.status === "PENDING_PASSWORD" && next.password)
        return { next: next.password, stale: next.message.includes("SRP_ID_INVALID") };
      if (next) judged(codeTicket, next);
      return null;
    });
  }

  /** Shows the end of a login by phone where a refusal is one. @throws what is none */
  function endedBy(error: unknown): null {
    const how = error instanceof Refused ? ENDS[error.code] : undefined;
    if (!how) throw error;
    end(how);
    return null;
  }

  waiting(page);
  if (ticket === null) end("not_found");
  else follow(ticket);
}

function waiting({ stage, texts }: Page): void {
  const element = h("div", { class: "screen end" }, h("p", { class: "lead" }, spinner(), ` ${texts.loading}`));
  stage.show({ kind: "loading", element, said: texts.loading });
}

/** So that the page, loaded again, goes on with this one. */
function rememberTicket(ticket: string): void {
  const address = new URL(location.href);
  if (address.searchParams.get("session_id") === ticket) return;
  address.searchParams.set("session_id", ticket);
  history.replaceState(null, "", address);
}
