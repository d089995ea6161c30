import { endingsToTell, markTold } from "../db/session-endings.ts";
import { sleep } from "../runtime/sleep.ts";
import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";

const TELLERS = 3;
const EVERY_MS = 20;
const AT_ONCE = 100;

/** What owners were told of their sessions' ends: the reasons, by telegram_id. */
export type Told = ReadonlyMap<bigint, readonly (string | null)[]>;

/** Several who tell owners of ended sessions, all of them out of the same outbox at the same time. */
export function startTellers(stage: Stage, { database }: Pick<Fleet, "database">): Told {
  const told = new Map<bigint, (string | null)[]>();
  const stop = new AbortController();
  const tell = async () => {
    while (!stop.signal.aborted) {
      for (const { eventId, telegramId, reason } of await database.asWorker((tx) => endingsToTell(tx, AT_ONCE)))
        if (await database.asWorker((tx) => markTold(tx, eventId)))
          told.set(telegramId, [...(told.get(telegramId) ?? []), reason]);
      await sleep(EVERY_MS, stop.signal);
    }
  };
  for (let index = 0; index < TELLERS; index += 1) tell().catch(() => {});
  stage.lifecycle.own("tellers", stop, (controller) => controller.abort());
  return told;
}
