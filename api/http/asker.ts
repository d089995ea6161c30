import { type Caller, unauthenticated } from "./access.ts";

/** Whose a login's ticket is, in the words in which tickets are asked for. @throws ApiError 401 */
export function askerOf(caller: Caller | null): string {
  if (!caller) throw unauthenticated();
  return caller.kind === "person" ? `user:${caller.userId}` : `tenant:${caller.tenantId}`;
}

/** The user who asked for a ticket; null where a tenant's program did. */
export function userOfAsker(asker: string): bigint | null {
  const id = /^user:(\d+)$/.exec(asker)?.[1];
  return id === undefined ? null : BigInt(id);
}
