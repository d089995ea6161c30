import type { Defined, LabelValues } from "./define.ts";

const INTRODUCTION = `# Metrics

Written by \`npx vitest run metrics-docs -u\` from the definitions in \`runtime/metrics/\`.

Every process serves them as Prometheus text at \`/metrics\` on \`METRICS_HOST\`:\`METRICS_PORT\`, and only those that it
feeds. \`deploy/prometheus/prometheus.yml\` scrapes all of them; for \`gramfleet up\`, the file
\`.gramfleet/prometheus-targets.json\` says where they are.

- **Counters and histograms are each process's own**: add them up, \`sum(rate(…))\`. A process that starts anew starts at
  0, which \`rate\` knows.
- **A scheduler's gauges are facts of the whole fleet**, and several schedulers tell the same: take \`max(…)\`, never
  \`sum(…)\`. They are measured every 10 seconds, completeness and sizes every 30.
- **Other processes' gauges are their own**: \`sum(…)\` for the fleet, or \`by (instance)\`.
- A gauge keeps its last value while what it is measured from is away: look at \`database_up\`, \`redis_up\` and
  \`scheduler_last_scan_timestamp_seconds\` first.
- Labels are bounded by the configuration, never by the number of users: no label is a telegram_id, a channel or a
  user's own API ID. A worker has fewer than 2,000 series, however many users it serves.
- \`/metrics\` asks neither PostgreSQL nor Redis: loops measure, and the page only writes down.`;

/** Endings of names that say a unit, the longest first. */
const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ["_timestamp_seconds", "seconds since 1970"],
  ["_seconds_total", "seconds"],
  ["_bytes_total", "bytes"],
  ["_seconds", "seconds"],
  ["_bytes", "bytes"],
];

const unitOf = ({ name, unit }: Defined): string =>
  unit ?? UNITS.find(([ending]) => name.endsWith(ending))?.[1] ?? "count";

const valuesOf = (values: LabelValues): string =>
  typeof values === "string" ? values : values.map((value) => `\`${value}\``).join(", ");

function describeOne(metric: Defined): string {
  const labels = Object.entries(metric.labels ?? {}).map(([label, values]) => `  - \`${label}\`: ${valuesOf(values)}`);
  return [
    `### ${metric.name}`,
    "",
    metric.help,
    "",
    `- Look at it for: ${metric.look}`,
    `- Type: ${metric.type}, ${unitOf(metric)}${metric.buckets ? `, in buckets up to ${metric.buckets.join(", ")}` : ""}`,
    `- Of: ${metric.in.join(", ")}`,
    ...(labels.length > 0 ? ["- Labels:", ...labels] : []),
  ].join("\n");
}

/**
 * `docs/metrics.md`.
 *
 * @param runtime what prom-client brings of the process itself, as it says it
 */
export function describeMetrics(
  catalog: readonly Defined[],
  runtime: readonly { readonly name: string; readonly help: string; readonly type: unknown }[],
): string {
  const subjects = [...new Set(catalog.map(({ subject }) => subject))].map((subject) =>
    [`## ${subject}`, ...catalog.filter((metric) => metric.subject === subject).map(describeOne)].join("\n\n"),
  );
  const rows = runtime.map(({ name, help, type }) => `| \`${name}\` | ${type} | ${help} |`);
  const itself = ["## The process itself", "", "Of every process.", "", "| name | type | what |", "|---|---|---|"];
  return `${[INTRODUCTION, ...subjects, [...itself, ...rows].join("\n")].join("\n\n")}\n`;
}
