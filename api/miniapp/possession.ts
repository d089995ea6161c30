import type { FastifyRequest } from "fastify";
import type { FindCaller } from "../http/access.ts";
import { askerOf, userOfAsker } from "../http/asker.ts";
import { ApiError } from "../http/errors.ts";

/**
 * Whose ticket the page shows. Who has its id may ask about it; a page that says whose it is as well, by initData, must be
 * its asker's. What a tenant's program asked for is for whoever scans it.
 *
 * @returns null where there is no such ticket
 * @throws ApiError 401 where what came proves nothing, 403 `wrong_user` where the ticket is another user's
 */
export async function heldBy(
  request: FastifyRequest,
  ticket: string,
  deps: {
    readonly tickets: { askerOf(ticket: string): Promise<string | null> };
    readonly findCaller: FindCaller;
  },
): Promise<string | null> {
  const asker = await deps.tickets.askerOf(ticket);
  if (asker === null || userOfAsker(asker) === null || request.headers.authorization === undefined) return asker;
  if (askerOf(await deps.findCaller(request)) !== asker)
    throw new ApiError(403, "wrong_user", "this link was made for another Telegram account");
  return asker;
}
