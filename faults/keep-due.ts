import { databaseNow, makeDueUnlessParsedSince } from "../db/overview.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";

const EVERY_MS = 250;

/** Makes every user due again and again, so that there are as many connections as the workers can make. Gives the end of it. */
export function keepDue(stage: Stage, fleet: Fleet): () => void {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await fleet.database.asWorker(async (tx) => makeDueUnlessParsedSince(tx, await databaseNow(tx)));
      await sleep(EVERY_MS, stop.signal);
    }
  })();
  running.catch(() => {});
  stage.lifecycle.own("everybody due", stop, (controller) => controller.abort());
  return () => stop.abort();
}
