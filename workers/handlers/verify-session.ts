import type { Handlers } from "../../queue/consumer.ts";
import type { Accounts } from "../../telegram/account.ts";

/** Opens the account, which checks its owner by `getMe`. Ends as done where the session is usable. */
export function createVerifySession(deps: { readonly accounts: Pick<Accounts, "open"> }): Handlers["verify-session"] {
  return async (data) => {
    await deps.accounts.open(BigInt(data.sessionId), async () => undefined, [], "look");
    return { outcome: "usable" };
  };
}
