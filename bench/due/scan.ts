import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";
import { openDueSide } from "./side.ts";
import { makeEverybodyDue } from "./users.ts";

/** Our side of `due`: the scan of the scheduler, from the first turn to the last. */
const side = await openDueSide(process.env);
serve({ run }, side.close);

async function run(): Promise<Run> {
  await makeEverybodyDue(side.database);
  await side.redis.flushdb();
  const startedAt = performance.now();
  await side.scan();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { count: await side.waiting(), seconds };
}
