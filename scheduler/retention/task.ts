import type { RetentionConfig } from "../../config/load.ts";
import type { Database } from "../../db/database.ts";
import type { Producer } from "../../queue/producer.ts";
import type { Log } from "../../runtime/log.ts";
import type { RETENTION_TASKS } from "../../runtime/metrics/labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";

export interface RetentionDependencies {
  readonly database: Database;
  readonly producer: Pick<Producer, "addBulk" | "erase">;
  readonly retention: RetentionConfig;
  readonly limits: {
    readonly retentionEveryMs: number;
    readonly rollUpEveryMs: number;
    readonly trimEveryMs: number;
    readonly retentionBatch: number;
    readonly retentionBatchesPerTurn: number;
    readonly idleBatch: number;
    readonly revokeAgainMs: number;
    readonly revokeGiveUpMs: number;
  };
  readonly metrics: Pick<Metrics, "retentionDeleted" | "retentionLastSuccess">;
  readonly now: () => Date;
  readonly log: Log;
}

/** One kind of retention's work. */
export interface RetentionTask {
  readonly name: (typeof RETENTION_TASKS)[number];
  everyMs(limits: RetentionDependencies["limits"]): number;
  /** One batch, in transactions of its own. "again": there may be more. */
  batch(deps: RetentionDependencies): Promise<"again" | "done">;
}
