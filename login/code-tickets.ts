import type { Agreed } from "../db/consents.ts";
import { findUser } from "../db/users.ts";
import type { LoginDependencies } from "../telegram/login/custody.ts";
import type { PhoneLoginFor } from "../telegram/login/log-in.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import { codeFailed, codeLogin } from "./code-login.ts";
import { type Asker, type Holder, loginOf } from "./holder.ts";
import { type CodeTicket, type CodeTicketView, codeViewOf, NO_CODE, type Ticket } from "./ticket.ts";
import type { Answer } from "./ticket-mail.ts";
import { tryPassword } from "./try-password.ts";

/** What came of an answer. */
export interface Judged {
  readonly view: CodeTicketView;
  /** Whether it was this answer that was tried; false where the login waits for something else, or has ended before. */
  readonly tried: boolean;
}

/** Logins by phone and code for people who are elsewhere. What is null belongs to nobody who asked: see Tickets. */
export interface CodeTickets {
  /**
   * Begins a login; comes back when its code is on its way, or with how it failed.
   *
   * @param asked.what what the ticket is for: one for the same is cancelled first; unless given, the user who is to log in
   * @param asked.telegramId whose account it must be; null: whoever's phone it is
   * @returns null where another ticket for the same is just beginning
   */
  start(
    asked: {
      readonly asker: string;
      readonly tenantId: string;
      readonly what?: string;
      readonly telegramId: bigint | null;
      /** What its person was shown before. */
      readonly shown?: Agreed | null;
    } & Omit<PhoneLoginFor, "tenantId" | "user">,
  ): Promise<{ readonly ticket: string; readonly view: CodeTicketView } | null>;
  /** The id of the newest ticket for that; null where there is none, or it ended long ago. */
  newest(what: string): Promise<string | null>;
  status(ticket: string, asker: Asker): Promise<CodeTicketView | null>;
  /** Has the code sent again, whatever `resendAt` says. */
  resend(ticket: string, asker: Asker): Promise<Judged | null>;
  signIn(ticket: string, asker: Asker, code: string): Promise<Judged | null>;
  prove(ticket: string, asker: Asker, proof: PasswordProof): Promise<Judged | null>;
  /** Makes the proof here: the password itself goes to no other process. */
  tryPassword(ticket: string, asker: Asker, password: string): Promise<Judged | null>;
  cancel(ticket: string, asker: Asker): Promise<CodeTicketView | null>;
}

export function createCodeTickets(holder: Holder, deps: LoginDependencies): CodeTickets {
  const status = async (id: string, asker: Asker) => view(await holder.find(id, asker));

  async function answered(id: string, asker: Asker, answer: Answer): Promise<Judged | null> {
    const { ticket, done } = await holder.ask(id, asker, answer);
    const told = view(ticket);
    return told && { view: told, tried: done };
  }

  return {
    async start({ asker, tenantId, telegramId, what, shown = null, ...login }) {
      const user =
        telegramId === null ? null : await deps.database.inTenant(tenantId, (tx) => findUser(tx, telegramId));
      if (telegramId !== null && !user) throw new Error("a login is begun for a user: add them first");
      const begun = await holder.begin<CodeTicket>(
        {
          ...{ kind: "code", state: "PENDING_CODE", tenantId, appId: login.appId ?? null, asker },
          ...{
            ...NO_CODE,
            expected: telegramId,
            shown,
            reason: null,
            telegramId: null,
            accountName: null,
            retryAt: null,
          },
        },
        {
          login: codeLogin(deps, { ...login, tenantId, user }, holder.open),
          failed: (error) => codeFailed(deps, error),
          onEnd: ({ state }, seconds) => deps.metrics.codeLoginSeconds.observe({ end: state }, seconds),
        },
        { what: what ?? (user ? loginOf(user, login.appId) : undefined) },
      );
      return begun && { ticket: begun.id, view: codeViewOf(begun.ticket) };
    },
    newest: (what) => holder.newest(what),
    status,
    resend: (id, asker) => answered(id, asker, { kind: "resend" }),
    signIn: (id, asker, code) => answered(id, asker, { kind: "code", code }),
    prove: (id, asker, proof) => answered(id, asker, { kind: "proof", proof }),
    async tryPassword(id, asker, password) {
      let tried = false;
      const told = await tryPassword(password, {
        status: () => status(id, asker),
        async prove(proof) {
          const judged = await answered(id, asker, { kind: "proof", proof });
          tried ||= judged?.tried ?? false;
          return judged?.view ?? null;
        },
      });
      return told && { view: told, tried };
    },
    cancel: async (id, asker) => view((await holder.ask(id, asker, { kind: "cancel" })).ticket),
  };
}

const view = (ticket: Ticket | null): CodeTicketView | null => (ticket?.kind === "code" ? codeViewOf(ticket) : null);
