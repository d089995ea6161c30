import { collectDefaultMetrics, Registry } from "prom-client";
import { createDefiner, type Defined, type ProcessKind } from "./metrics/define.ts";
import { loginMetrics } from "./metrics/logins.ts";
import { queueMetrics } from "./metrics/queues.ts";
import { scheduleMetrics } from "./metrics/schedule.ts";
import { serviceMetrics } from "./metrics/services.ts";
import { sessionMetrics } from "./metrics/sessions.ts";
import { storageMetrics } from "./metrics/storage.ts";
import { telegramMetrics } from "./metrics/telegram.ts";

/**
 * Every metric of gramfleet, by name, as `metrics/` defines them by subject. Labels are bounded: never a telegram_id.
 *
 * @param options.process which kind of process it is for: what others have is not served, and the runtime's own metrics
 * (CPU, memory, event loop) are; without it everything of ours is
 */
export function createMetrics(options: { process?: ProcessKind } = {}) {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const catalog: Defined[] = [];
  const about = (subject: string) => createDefiner(registry, options.process, { catalog, subject });
  const readers = new Set<() => void>();
  return {
    registry,
    /** What was said of each metric. */
    catalog: catalog as readonly Defined[],
    /**
     * Has `read` set its gauges each time the metrics are asked for. It looks at what the process has in memory: whatever
     * asks PostgreSQL or Redis is a loop's.
     *
     * @returns ends that
     */
    whenScraped(read: () => void): () => void {
      readers.add(read);
      return () => readers.delete(read);
    },
    /** All of them as Prometheus text. */
    async scrape(): Promise<string> {
      for (const read of readers) read();
      return registry.metrics();
    },
    ...scheduleMetrics(about("Schedule")),
    ...queueMetrics(about("Queues and workers")),
    ...telegramMetrics(about("Calls to Telegram")),
    ...sessionMetrics(about("Sessions")),
    ...loginMetrics(about("Logins, bot and API")),
    ...storageMetrics(about("Storage and completeness")),
    ...serviceMetrics(about("PostgreSQL and Redis")),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
