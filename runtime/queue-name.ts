/** The queue of a session's API ID: one each for the masters, one together for people's own. */
export function queueName(session: { readonly apiId: number; readonly ownApi: boolean }): string {
  return session.ownApi ? "parse-own" : `parse-${session.apiId}`;
}
