import { sql } from "kysely";
import type { Database } from "../../db/database.ts";
import { serve } from "../serve.ts";
import type { Run } from "../side-by-side.ts";
import { openDueSide } from "./side.ts";
import { liveThrough, makeEverybodyDue, makeEverybodyDueAgain } from "./users.ts";

/** Hours for which a transaction has been open in `due-old-snapshot`. */
const HOURS = 4;

/** Our side of `due`: the scan of the scheduler, from the first turn to the last. */
const side = await openDueSide(process.env);
let endSnapshot: (() => Promise<void>) | null = null;
serve({ run, growOld }, async () => {
  await endSnapshot?.();
  await side.close();
});

/** From now on a transaction with a snapshot is open, since before hours of parses: nothing of them can be removed. */
async function growOld(): Promise<void> {
  await makeEverybodyDue(side.database);
  endSnapshot = await openSnapshot(side.database);
  await liveThrough(side.database, HOURS);
}

async function run(): Promise<Run> {
  await (endSnapshot ? makeEverybodyDueAgain : makeEverybodyDue)(side.database);
  await side.redis.flushdb();
  const startedAt = performance.now();
  await side.scan();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { count: await side.waiting(), seconds };
}

/** Opens a transaction that sees everything as it is now; gives what ends it. */
async function openSnapshot(database: Database): Promise<() => Promise<void>> {
  let end = () => {};
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  let held: Promise<void> = Promise.resolve();
  await new Promise<void>((taken, failed) => {
    held = database.snapshot(async (tx) => {
      await sql`select from schedules limit 1`.execute(tx);
      taken();
      await ending;
    });
    held.catch(failed);
  });
  return () => {
    end();
    return held;
  };
}
