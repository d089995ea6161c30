import { findUser } from "../db/users.ts";
import { provePassword } from "../telegram/gramjs/srp.ts";
import type { PasswordProof } from "../telegram/login/password.ts";
import { type Asker, type HolderOptions, startHolder, WHOEVER_HAS_IT } from "./holder.ts";
import { qrFailed, qrLogin } from "./qr-ticket.ts";
import { NOTHING_SHOWN, type QrTicket, type Ticket, type TicketView, viewOf } from "./ticket.ts";

export { type Asker, WHOEVER_HAS_IT } from "./holder.ts";
export type { TicketView } from "./ticket.ts";

/** Logins by QR code for people who are elsewhere: a ticket is asked for here, and asked about in any process. */
export interface Tickets {
  /**
   * Begins a login; comes back with its first code, or with how it failed.
   *
   * @param asked.asker whose ticket it is: nobody else is told of it
   * @param asked.telegramId whose account it must be; null: whoever scans
   */
  start(asked: {
    readonly asker: string;
    readonly tenantId: string;
    readonly appId?: string;
    readonly telegramId: bigint | null;
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
  /** Logins under way in this process, of any kind. */
  readonly size: number;
  /** Ends what is held here, as expired, and waits until nobody is left logged in. */
  close(): Promise<void>;
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
    async start({ asker, tenantId, appId, telegramId }) {
      const user =
        telegramId === null ? null : await deps.database.inTenant(tenantId, (tx) => findUser(tx, telegramId));
      if (telegramId !== null && !user) throw new Error("a login is begun for a user: add them first");
      deps.metrics.qrAuthStarts.inc();
      const { id, ticket } = await holder.begin<QrTicket>(
        {
          ...{ kind: "qr", state: "PENDING_QR", tenantId, appId: appId ?? null, asker, expected: telegramId },
          ...{ ...NOTHING_SHOWN, reason: null, telegramId: null },
        },
        {
          login: qrLogin(deps, { tenantId, user, ...(appId === undefined ? {} : { appId }) }, holder.open),
          failed: (error) => qrFailed(deps, error),
          onEnd: ({ state }, seconds) => deps.metrics.qrLoginSeconds.observe({ end: state }, seconds),
        },
      );
      return { ticket: id, view: viewOf(ticket) };
    },
    status,
    askerOf: async (id) => (await holder.find(id, WHOEVER_HAS_IT))?.asker ?? null,
    changed: async (id, asker, version, withinMs) => view(await holder.changed(id, asker, version, withinMs)),
    prove,
    async tryPassword(id, asker, password) {
      for (let again = true; ; again = false) {
        const asked = await status(id, asker);
        if (!asked?.password) return asked;
        const judged = await prove(id, asker, await provePassword(asked.password, password));
        // The parameters go stale after a while: the new ones are tried once.
        if (!again || judged?.reason !== "SRP_ID_INVALID") return judged;
      }
    },
    cancel: async (id, asker) => view((await holder.ask(id, asker, { kind: "cancel" })).ticket),
    get size() {
      return holder.size;
    },
    close: () => holder.close(),
  };
}

const view = (ticket: Ticket | null): TicketView | null => (ticket?.kind === "qr" ? viewOf(ticket) : null);
