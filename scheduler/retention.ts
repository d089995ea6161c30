import { beginTask, taskStates, taskSucceeded } from "../db/maintenance-tasks.ts";
import { erasuresTask } from "./retention/erasures.ts";
import { idleSessionsTask } from "./retention/idle-sessions.ts";
import { oldMessagesTask, unfollowedChannelsTask } from "./retention/messages.ts";
import { oldRunsTask, oldSessionEventsTask } from "./retention/old-rows.ts";
import { revocationsTask } from "./retention/revocations.ts";
import type { RetentionDependencies, RetentionTask } from "./retention/task.ts";

export const TASKS: readonly RetentionTask[] = [
  idleSessionsTask,
  revocationsTask,
  erasuresTask,
  oldRunsTask,
  oldSessionEventsTask,
  oldMessagesTask,
  unfollowedChannelsTask,
];

/**
 * What has been kept for long enough goes: each kind of work when its time has come, in one scheduler of all, in batches
 * that hold no lock for long. One that fails keeps no other from its turn.
 *
 * @throws the first failure, once all have had their turn
 */
export async function retain(deps: RetentionDependencies, tasks: readonly RetentionTask[] = TASKS): Promise<"rest"> {
  const failures: unknown[] = [];
  for (const task of tasks) await runTask(deps, task).catch((error: unknown) => failures.push(error));
  const states = await deps.database.once(taskStates);
  for (const { task, succeededAt } of states)
    if (succeededAt && tasks.some(({ name }) => name === task))
      deps.metrics.retentionLastSuccess.set({ task }, succeededAt.getTime() / 1_000);
  if (failures.length > 0) throw failures[0];
  return "rest";
}

async function runTask(deps: RetentionDependencies, task: RetentionTask): Promise<void> {
  const mine = await deps.database.once((tx) => beginTask(tx, task.name, task.everyMs(deps.limits)));
  if (!mine) return;
  for (let batch = 0; batch < deps.limits.retentionBatchesPerTurn; batch += 1)
    if ((await task.batch(deps)) === "done") break;
  await deps.database.once((tx) => taskSucceeded(tx, task.name));
}
