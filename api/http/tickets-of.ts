import { ApiError } from "./errors.ts";

/** Logins for people who are elsewhere. @throws ApiError (503) in a process that has no API IDs or no keyring for them */
export function ticketsOf<Tickets>({ tickets }: { readonly tickets: Tickets | null }): Tickets {
  if (tickets === null) throw new ApiError(503, "not_configured", "there are no logins here");
  return tickets;
}
