import type { Agreed } from "../db/consents.ts";
import type { Tx } from "../db/database.ts";
import { findUser } from "../db/users.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import { keepOwnApiId } from "../telegram/own-api-ids.ts";
import { type CodeTickets, createCodeTickets } from "./code-tickets.ts";
import { type Asker, type HolderOptions, loginOf, startHolder, WHOEVER_HAS_IT } from "./holder.ts";
import { qrFailed, qrLogin } from "./qr-ticket.ts";
import { NOTHING_SHOWN, type QrTicket, type Ticket, type TicketView, viewOf } from "./ticket.ts";
import { tryPassword } from "./try-password.ts";

export type { CodeTickets } from "./code-tickets.ts";
export { type Asker, WHOEVER_HAS_IT } from "./holder.ts";
export type { CodeTicketView, TicketView } from "./ticket.ts";

/** Logins by QR code for people who are elsewhere: a ticket is asked for here, and asked about in any process. */
export interface Tickets {
  /**
   * Begins a login; comes back with its first code, or with how it failed. A login of the same user that is under way, by
   * whatever way, is cancelled.
   *
   * @param asked.asker whose ticket it is: nobody else is told of it
   * @param asked.telegramId whose account it must be; null: whoever scans
   * @param asked.shown what its person was shown before
   */
  start(asked: {
    readonly asker: string;
    readonly tenantId: string;
    readonly appId?: string;
    readonly telegramId: bigint | null;
    readonly shown?: Agreed | null;
  }): Promise<{ readonly ticket: string; readonly view: TicketView }>;
  /** Null for a ticket that is not this asker's, or was never given, or ended long ago. @throws where Redis is away */
  status(ticket: string, asker: Asker): Promise<TicketView | null>;
  /** Whose ticket it is, of whatever kind; null where there is none. */
  askerOf(ticket: string): Promise<string | null>;
  /** The same as `status`, once it is another than `version` or has ended; at the latest after `withinMs`. */
  changed(ticket: string, asker: Asker, version: number, withinMs: number): Promise<TicketView | null>;
  /** Tries a proof of the password; gives what came of it. */
  prove(ticket: string, asker: Asker, proof: PasswordProof): Promise<TicketView | null>;
  /** Makes the proof here: the password itself goes to no other process. */
  tryPassword(ticket: string, asker: Asker, password: string): Promise<TicketView | null>;
  cancel(ticket: string, asker: Asker): Promise<TicketView | null>;
  /** Cancels a user's login that is under way, whatever way it goes and in whatever process; whether there was one. */
  cancelLoginOf(user: { readonly id: bigint }): Promise<boolean>;
  /** Whose account a ticket is for, and whose tenant's; null where there is no such ticket. */
  purpose(ticket: string): Promise<TicketPurpose | null>;
  /** Its person is shown this: what they agree to by going on. */
  show(ticket: string, asker: Asker, shown: Agreed): Promise<void>;
  /** Somebody has scanned the code, or says so: Telegram is asked at once. */
  hint(ticket: string): Promise<void>;
  /** Keeps somebody's own API ID, sealed; gives what a login by it is begun with. */
  keepOwnApiId(
    tx: Tx,
    own: { readonly tenantId: string; readonly apiId: number; readonly apiHash: string },
  ): Promise<string>;
  /** Logins by phone and code, on the same ground. */
  readonly codes: CodeTickets;
  /** Logins under way in this process, of any kind. */
  readonly size: number;
  /** Ends what is held here, as expired, and waits until nobody is left logged in. */
  close(): Promise<void>;
}

/** What a ticket was asked for. */
export interface TicketPurpose {
  readonly asker: string;
  readonly tenantId: string;
  readonly appId: string | null;
  /** Null: whoever comes. */
  readonly telegramId: bigint | null;
  readonly state: TicketView["state"];
  readonly endsAt: Date;
  readonly shown: Agreed | null;
}

export type TicketsOptions = HolderOptions;

/** @throws DeadlinePassed where Redis does not answer */
export async function startTickets(options: TicketsOptions): Promise<Tickets> {
  const { deps } = options;
  const holder = await startHolder(options);

  const status = async (id: string, asker: Asker) => view(await holder.find(id, asker));
  const prove = async (id: string, asker: Asker, proof: PasswordProof) =>
    view((await holder.ask(id, asker, { kind: "proof", proof })).ticket);

  return {
    async start({ asker, tenantId, appId, telegramId, shown = null }) {
      const user =
        telegramId === null ? null : await deps.database.inTenant(tenantId, (tx) => findUser(tx, telegramId));
      if (telegramId !== null && !user) throw new Error("a login is begun for a user: add them first");
      deps.metrics.qrAuthStarts.inc();
      const begun = await holder.begin<QrTicket>(
        {
          ...{ kind: "qr", state: "PENDING_QR", tenantId, appId: appId ?? null, asker, expected: telegramId, shown },
          ...{ ...NOTHING_SHOWN, reason: null, telegramId: null },
        },
        {
          login: qrLogin(deps, { tenantId, user, ...(appId === undefined ? {} : { appId }) }, holder.open),
          failed: (error) => qrFailed(deps, error),
          onEnd: ({ state }, seconds) => deps.metrics.qrLoginSeconds.observe({ end: state }, seconds),
        },
        { what: user ? loginOf(user, appId) : undefined },
      );
      if (!begun) throw new OperatorError("another login of this user is just beginning: try again later");
      return { ticket: begun.id, view: viewOf(begun.ticket) };
    },
    status,
    askerOf: async (id) => (await holder.find(id, WHOEVER_HAS_IT))?.asker ?? null,
    changed: async (id, asker, version, withinMs) => view(await holder.changed(id, asker, version, withinMs)),
    prove,
    tryPassword: (id, asker, password) =>
      tryPassword(password, {
        status: () => status(id, asker),
        prove: (proof) => prove(id, asker, proof),
      }),
    keepOwnApiId: (tx, own) => keepOwnApiId(tx, deps.fleet.vault, own),
    codes: createCodeTickets(holder, deps),
    cancel: async (id, asker) => view((await holder.ask(id, asker, { kind: "cancel" })).ticket),
    async cancelLoginOf(user) {
      const id = await holder.newest(loginOf(user, undefined));
      return id !== null && (await holder.ask(id, WHOEVER_HAS_IT, { kind: "cancel" })).done;
    },
    async purpose(id) {
      const ticket = await holder.find(id, WHOEVER_HAS_IT);
      if (ticket?.kind !== "qr") return null;
      const { asker, tenantId, appId, expected: telegramId, state, endsAt, shown } = ticket;
      return { asker, tenantId, appId, telegramId, state, endsAt, shown };
    },
    async show(id, asker, shown) {
      const known = await holder.find(id, asker);
      const isSame = known?.shown?.text === shown.text && known.shown.via === shown.via;
      if (known && !isSame) await holder.ask(id, asker, { kind: "shown", shown });
    },
    async hint(id) {
      await holder.ask(id, WHOEVER_HAS_IT, { kind: "hint" });
    },
    get size() {
      return holder.size;
    },
    close: () => holder.close(),
  };
}

const view = (ticket: Ticket | null): TicketView | null => (ticket?.kind === "qr" ? viewOf(ticket) : null);
