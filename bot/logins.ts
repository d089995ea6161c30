import type { User } from "../db/users.ts";
import type { TicketView } from "../login/tickets.ts";
import type { BotDeps } from "./deps.ts";

/** Logins that people have begun by this bot's process: one each. */
export interface BotLogins {
  /** Begins one; the one before is ended first, since both would want the same session. */
  begin(user: User): Promise<{ readonly ticket: string; readonly view: TicketView }>;
  /** Whether there was one in this process. */
  cancel(userId: bigint): Promise<boolean>;
}

export function createBotLogins({ tickets }: Pick<BotDeps, "tickets">): BotLogins {
  const begun = new Map<bigint, string>();
  const askerOf = (userId: bigint) => `user:${userId}`;

  async function cancel(userId: bigint): Promise<boolean> {
    const ticket = begun.get(userId);
    begun.delete(userId);
    return ticket !== undefined && (await tickets.cancel(ticket, askerOf(userId))) !== null;
  }

  return {
    async begin(user) {
      await cancel(user.id);
      const { id, tenantId, telegramId } = user;
      const started = await tickets.start({ asker: askerOf(id), tenantId, telegramId });
      if (started.view.link !== null) begun.set(id, started.ticket);
      return started;
    },
    cancel,
  };
}
