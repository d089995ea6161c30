import type { Fleet } from "./fleet.ts";
import type { Stage } from "./scenario.ts";
import { until } from "./until.ts";

/** Users who were due, or whose parse was in the queue or under way. */
export async function dueNow(fleet: Fleet, at: Date): Promise<Set<bigint>> {
  const rows = await fleet.database.asWorker((tx) =>
    tx
      .selectFrom("schedules")
      .select("user_id")
      .where("queue", "is not", null)
      .where((is) => is.or([is("claimed_at", "is not", null), is("next_parse_at", "<=", at)]))
      .execute(),
  );
  return new Set(rows.map((row) => row.user_id));
}

/** How long it took until each of `due` had a run that ended after `after`; null where that did not come about in time. */
export async function parsedAgain(
  stage: Stage,
  fleet: Fleet,
  options: { readonly due: ReadonlySet<bigint>; readonly after: Date; readonly withinMs: number },
): Promise<number | null> {
  const began = performance.now();
  const left = new Set(options.due);
  return until(
    async () => {
      const done = await fleet.database.asWorker((tx) =>
        tx
          .selectFrom("runs")
          .select("user_id")
          .distinct()
          .where("outcome", "=", "done")
          .where("finished_at", ">", options.after)
          .execute(),
      );
      for (const row of done) left.delete(row.user_id);
      return left.size === 0 && performance.now() - began;
    },
    { withinMs: options.withinMs, everyMs: 50, signal: stage.signal },
  );
}
