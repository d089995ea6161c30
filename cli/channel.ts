import { type Channel, findChannel } from "../db/channels.ts";
import type { Database } from "../db/database.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** The stored channel of this name (@name, name, t.me link, id). @throws OperatorError where there is none */
export async function requireChannel(database: Database, name: string): Promise<Channel> {
  const channel = await database.asWorker((tx) => findChannel(tx, name));
  if (channel) return channel;
  throw new OperatorError(`no channel "${name}" is stored: see "gramfleet channels list"`);
}
