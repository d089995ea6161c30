import { deferred } from "../deferred.ts";
import { openOurFleet, sessionIds } from "../our-fleet.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";

/** Our side of `read`: one account, leased and connected, whose `history` calls pass all that a worker's pass. */
const PAGE = 100;

const { fleet, database, close } = await openOurFleet(process.env);
const over = deferred();
const opened = deferred<() => Promise<Run>>();
const [session] = await sessionIds(database);
const reading = fleet.accounts.open(session!, async ({ api }) => {
  const channel = await api.resolveUsername(process.env.BENCH_CHANNEL ?? "");
  opened.resolve(() => read(channel, api));
  await over.promise;
});
reading.catch(opened.reject);
serve({ read: await opened.promise }, async () => {
  over.resolve();
  await reading;
  await close();
});

type Api = Parameters<Parameters<typeof fleet.accounts.open>[1]>[0]["api"];

/** From the newest page down, as the other side does. */
async function read(channel: Awaited<ReturnType<Api["resolveUsername"]>>, api: Api): Promise<Run> {
  const startedAt = performance.now();
  let count = 0;
  for (let offsetId = 0; offsetId !== 1; ) {
    const { messages } = await api.history(channel, { offsetId, limit: PAGE });
    const lowest = messages.at(-1)?.id;
    if (lowest === undefined) break;
    count += messages.length;
    offsetId = lowest;
  }
  return { count, seconds: (performance.now() - startedAt) / 1_000 };
}
