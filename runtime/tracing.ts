import type { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import type { TracingOptions } from "./tracing/open-telemetry.ts";
import { noTracing, type Tracing } from "./tracing/span.ts";

export type { TracingOptions } from "./tracing/open-telemetry.ts";
export * from "./tracing/span.ts";

/**
 * A process's tracing, owned by `lifecycle`: to be opened first, so that it sends what is left at the very end. Where
 * `options` is null nothing is loaded.
 */
export async function ownTracing(
  lifecycle: Lifecycle,
  options: TracingOptions | null,
  process: string,
  log: Log,
): Promise<Tracing> {
  if (!options) return noTracing;
  const { openTracing } = await import("./tracing/open-telemetry.ts");
  return lifecycle.own("traces", openTracing(options, process, log), (opened) => opened.close());
}
