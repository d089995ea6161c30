import type { Config } from "../../config/load.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { apiHashOf } from "../../telegram/shards.ts";
import { ask } from "../ask.ts";

/**
 * The API ID that a session was made with, which never changes: what it says itself, else `given`, else asked for. The
 * hash of one that is not ours is asked for without showing it.
 */
export async function chooseApi(
  config: Pick<Config, "apiIds">,
  written: number | null,
  given: { readonly apiId?: number; readonly apiHash?: string },
): Promise<{ apiId: number; apiHash: string; own: boolean }> {
  if (written !== null && given.apiId !== undefined && given.apiId !== written)
    throw new OperatorError(`it was made with API ID ${written}, and an API ID never changes: leave --api-id out`);
  const apiId = written ?? given.apiId ?? toApiId(await ask("api_id that it was made with", { flag: "--api-id" }));
  const ours = apiHashOf(config.apiIds, apiId);
  if (ours !== null) return { apiId, apiHash: ours, own: false };
  const apiHash = given.apiHash ?? (await ask(`api_hash of ${apiId}`, { secret: true, flag: "--api-hash" }));
  if (!/^[0-9a-f]{32}$/i.test(apiHash))
    throw new OperatorError("an api_hash has 32 hexadecimal digits (my.telegram.org)", { exitCode: 2 });
  return { apiId, apiHash, own: true };
}

function toApiId(text: string): number {
  const apiId = Number(text);
  if (Number.isInteger(apiId) && apiId > 0 && apiId < 2 ** 31) return apiId;
  throw new OperatorError("an api_id is a whole number (my.telegram.org)", { exitCode: 2 });
}
