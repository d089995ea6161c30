import type { Redis } from "ioredis";
import { METHODS } from "../../runtime/metrics/labels.ts";
import { limiterKeys } from "./pause.ts";

/** Forgets that an account has called through these API IDs: otherwise it is known for as long as a minute. */
export async function forgetAccount(
  redis: Redis,
  prefix: string,
  account: { readonly telegramId: bigint; readonly apiIds: readonly number[] },
): Promise<void> {
  const id = account.telegramId.toString();
  for (const apiId of account.apiIds) {
    const keys = limiterKeys(prefix, apiId);
    await Promise.all(
      METHODS.flatMap((method): Promise<unknown>[] => [
        redis.zrem(keys.called(method), id),
        redis.hdel(keys.flooded(method), id),
      ]),
    );
  }
}
