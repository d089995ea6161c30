import type { Database } from "../db/database.ts";
import { countSchedules } from "../db/schedules.ts";
import { countUsers } from "../db/users.ts";
import { countRunningWaits } from "../db/waits.ts";
import type { Producer, QueueCounts } from "../queue/producer.ts";

/** The fleet at a glance: counts only, nobody's id. */
export interface FleetStatus {
  readonly users: number;
  /** Users by their schedule: due and not claimed, with a run under way, late, and those who can be parsed at all. */
  readonly schedules: { due: number; inFlight: number; late: number; schedulable: number };
  readonly waits: { waits: number; accounts: number };
  readonly queues: readonly QueueCounts[];
}

export async function fleetStatus(deps: {
  readonly database: Database;
  readonly producer: Pick<Producer, "queueCounts">;
  readonly lateMs: number;
}): Promise<FleetStatus> {
  const [counted, queues] = await Promise.all([
    deps.database.asWorker(async (tx) => ({
      users: await countUsers(tx),
      schedules: await countSchedules(tx, deps.lateMs),
      waits: await countRunningWaits(tx),
    })),
    deps.producer.queueCounts(),
  ]);
  return { ...counted, queues };
}
