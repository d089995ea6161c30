import pLimit from "p-limit";
import { deferred } from "../deferred.ts";
import { openOurFleet, sessionIds } from "../our-fleet.ts";
import { serve } from "../serve.ts";
import { heapPerClient } from "./figure.ts";

/** Our side of `memory`: every account leased, connected and its owner checked, and kept so while it is measured. */
const AT_ONCE = 16;

const { fleet, database, close } = await openOurFleet(process.env);
const ids = await sessionIds(database);
serve({ run: () => heapPerClient(ids, whileOpen) }, close);

async function whileOpen(sessions: readonly bigint[], measure: () => Promise<void>): Promise<void> {
  const over = deferred();
  const limit = pLimit(AT_ONCE);
  const ended: Promise<void>[] = [];
  const open = (id: bigint) =>
    new Promise<void>((resolve, reject) => {
      const work = async () => {
        resolve();
        await over.promise;
      };
      const account = fleet.accounts.open(id, work);
      account.catch(reject);
      ended.push(account);
    });
  try {
    await Promise.all(sessions.map((id) => limit(() => open(id))));
    if (fleet.accounts.size !== sessions.length || fleet.leases.size !== sessions.length)
      throw new Error(`${fleet.accounts.size} of ${sessions.length} accounts are open`);
    await measure();
  } finally {
    over.resolve();
    await Promise.allSettled(ended);
  }
  await Promise.all(ended);
}
