import type { Metric } from "prom-client";

/** A metric's sample with these labels; of a histogram the count. Undefined where there is none. */
export async function sampleOf(
  metric: Metric<string>,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const { values } = await metric.get();
  const counted = values.filter((value) => !("metricName" in value) || String(value.metricName).endsWith("_count"));
  return counted.find((value) => Object.entries(labels).every(([name, of]) => value.labels[name] === of))?.value;
}
