import { apiIdLabel } from "../../runtime/metrics/labels.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Limiter } from "../limiter.ts";
import type { Load } from "./load.ts";

/** Sets the limiter's gauges: a line for each API ID of ours, and one for all of people's own. */
export function showLoads(
  limiter: Pick<Limiter, "loads">,
  apiIds: { readonly ours: readonly number[]; readonly callsPerSecond: number },
  metrics: Pick<Metrics, "limiterQueue" | "limiterReservoir">,
): void {
  const idle: Load = { waiting: 0, free: apiIds.callsPerSecond };
  const shown = new Map<string, Load>(apiIds.ours.map((apiId) => [apiIdLabel(apiId, false), idle]));
  shown.set(apiIdLabel(0, true), idle);
  for (const [apiId, load] of limiter.loads()) {
    const label = apiIdLabel(apiId, !apiIds.ours.includes(apiId));
    const other = shown.get(label) ?? idle;
    shown.set(label, { waiting: other.waiting + load.waiting, free: Math.min(other.free, load.free) });
  }
  for (const [api_id, { waiting, free }] of shown) {
    metrics.limiterQueue.set({ api_id }, waiting);
    metrics.limiterReservoir.set({ api_id }, free);
  }
}
