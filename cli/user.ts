import { findUser, type User } from "../db/users.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { InTenant } from "./context.ts";

/** The user with this telegram_id. @throws OperatorError where there is none */
export async function requireUser(inTenant: InTenant, telegramId: bigint): Promise<User> {
  const user = await inTenant((tx) => findUser(tx, telegramId));
  if (user) return user;
  throw unknownUser(telegramId);
}

/** What to say where a telegram_id is not ours. */
export const unknownUser = (telegramId: bigint): OperatorError =>
  new OperatorError(
    `no user ${telegramId} here: add it with "gramfleet users add ${telegramId}", or see "gramfleet users list"`,
  );
