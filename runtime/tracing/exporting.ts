import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Log } from "../log.ts";

/**
 * Tells once that traces do not arrive, and once that they do again: a collector that is away is no line a batch. Once
 * `leave` was called nothing more is tried where the last batch already failed, for the process is waiting to end.
 *
 * @param where for the log: the collector's address, without what opens it
 */
export function tellingFailures(exporter: SpanExporter, where: string, log: Log): SpanExporter & { leave(): void } {
  let failed = 0;
  let leaving = false;
  return {
    export(spans, done) {
      if (leaving && failed > 0) return done({ code: FAILED });
      exporter.export(spans, (result) => {
        if (result.code === FAILED) {
          failed += 1;
          if (failed === 1) log.warn({ err: result.error, collector: where }, "traces do not reach the collector");
        } else if (failed > 0) {
          log.info({ collector: where, batches_lost: failed }, "traces reach the collector again");
          failed = 0;
        }
        // What failed is told of by us: the SDK would keep a stack for each.
        done({ code: result.code });
      });
    },
    leave() {
      leaving = true;
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** `ExportResultCode.FAILED` of @opentelemetry/core, which is not ours to import. */
const FAILED = 1;
