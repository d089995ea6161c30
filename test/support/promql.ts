import { PROCESSES } from "../../runtime/metrics/define.ts";
import { createMetrics } from "../../runtime/metrics.ts";

/** A metric as an expression names it, with the labels that it is asked for by. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What an expression reads. */
export interface Read {
  readonly selectors: readonly Selector[];
  /** Labels that it groups or joins by. */
  readonly groupedBy: readonly string[];
}

const WORDS = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /([A-Za-z_:][\w:]*)\s*(\{[^}]*\})?(\s*\()?/g;

/** Reads the names out of PromQL, as far as our expressions go. Grafana's variables may stand in them. */
export function readExpression(expr: string): Read {
  const groupedBy: string[] = [];
  const rest = expr
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(GROUPING, (_, labels: string) => {
      groupedBy.push(...namesIn(labels));
      return " ";
    })
    .replaceAll(/\[[^\]]*\]/g, " ")
    .replaceAll(/\boffset\s+\w+/g, " ")
    .replaceAll(/\b\d[\d.]*(e-?\d+)?\b/g, " ");
  const selectors: Selector[] = [];
  for (const [, name = "", matchers = "", opens] of rest.matchAll(SELECTOR)) {
    if (opens || WORDS.has(name.toLowerCase())) continue;
    selectors.push({ metric: name, labels: namesIn(matchers.replaceAll(/[{}]|[=!~]+""/g, "")) });
  }
  return { selectors, groupedBy };
}

const namesIn = (list: string): string[] => list.split(",").flatMap((name) => name.trim() || []);

/** The labels that Prometheus and its scrape configuration give to every series. */
const TARGET_LABELS = ["job", "instance", "process"];

/** Every series name there is, with the labels that it has. */
export function knownSeries(): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>();
  const add = (name: string, labels: readonly string[]) => known.set(name, new Set([...TARGET_LABELS, ...labels]));
  const { catalog } = createMetrics();
  for (const { name, labels, type } of catalog) {
    const own = Object.keys(labels ?? {});
    if (type !== "histogram") add(name, own);
    else
      for (const suffix of ["_bucket", "_sum", "_count"])
        add(name + suffix, suffix === "_bucket" ? [...own, "le"] : own);
  }
  const ours = new Set(catalog.map(({ name }) => name));
  // Those of the runtime itself.
  for (const process of PROCESSES)
    for (const { name } of createMetrics({ process }).registry.getMetricsAsArray()) if (!ours.has(name)) add(name, []);
  add("up", []);
  add("ALERTS", ["alertname", "alertstate", "severity"]);
  return known;
}

/** What an expression reads that there is not, one line each. */
export function unknownIn(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { selectors, groupedBy } = readExpression(expr);
  const labelsOf = (metric: string) => known.get(metric) ?? new Set<string>();
  return [
    ...selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => `no metric ${metric}`),
    ...selectors.flatMap(({ metric, labels }) =>
      labels.filter((label) => !labelsOf(metric).has(label)).map((label) => `${metric} has no label ${label}`),
    ),
    ...groupedBy
      .filter((label) => !selectors.some(({ metric }) => labelsOf(metric).has(label)))
      .map((label) => `nothing in it has a label ${label}`),
    ...(selectors.length === 0 ? ["it reads nothing"] : []),
  ];
}
