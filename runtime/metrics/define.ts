import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** The kinds of process that serve `/metrics`. */
export const PROCESSES = ["scheduler", "worker", "api", "bot"] as const;
export type ProcessKind = (typeof PROCESSES)[number];

/** A label's values: all of them, or in words what bounds their number. */
export type LabelValues = readonly string[] | string;

/** What is said of a metric where it is defined: `docs/metrics.md` is written from it. */
export interface Definition<Label extends string = string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<Label, LabelValues>>;
  /** The kinds of process that have it; no other one serves it, so that none stands at 0 where nothing feeds it. */
  readonly in: readonly ProcessKind[];
  /** What one would look at it for. */
  readonly look: string;
  /** Where the name does not say it. */
  readonly unit?: string;
}

export interface Defined extends Definition {
  readonly subject: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly buckets?: readonly number[];
}

/**
 * Makes a subject's metrics, puts them into the registry where `process` has them, and notes what was said of each in
 * `catalog`.
 */
export function createDefiner(
  registry: Registry,
  process: ProcessKind | undefined,
  { catalog, subject }: { readonly catalog: Defined[]; readonly subject: string },
) {
  const registersOf = (definition: Definition) =>
    process === undefined || definition.in.includes(process) ? [registry] : [];
  const common = <Label extends string>(definition: Definition<Label>) => ({
    name: definition.name,
    help: definition.help,
    labelNames: Object.keys(definition.labels ?? {}) as Label[],
    registers: registersOf(definition),
  });
  return {
    /** Where all labels are lists it begins with every combination at 0, so that the first count is seen as a rise. */
    counter<Label extends string = never>(definition: Definition<Label>): Counter<Label> {
      catalog.push({ ...definition, subject, type: "counter" });
      const counter = new Counter<Label>(common(definition));
      for (const labels of combinationsOf(definition.labels ?? {})) counter.inc(labels, 0);
      return counter;
    },
    /** @param definition.unset it has no sample until it is set for the first time: 0 would say something */
    gauge<Label extends string = never>(definition: Definition<Label> & { readonly unset?: true }): Gauge<Label> {
      const { unset, ...rest } = definition;
      catalog.push({ ...rest, subject, type: "gauge" });
      const gauge = new Gauge<Label>(common(definition));
      if (unset) gauge.remove();
      return gauge;
    },
    histogram<Label extends string = never>(
      definition: Definition<Label> & { readonly buckets: readonly number[] },
    ): Histogram<Label> {
      const { buckets, ...rest } = definition;
      catalog.push({ ...rest, subject, type: "histogram", buckets });
      return new Histogram<Label>({ ...common(definition), buckets: [...buckets] });
    },
  };
}

export type Definer = ReturnType<typeof createDefiner>;

/** Every combination of labels that are lists; none where there are no labels, or one is said in words. */
function combinationsOf<Label extends string>(labels: Readonly<Record<Label, LabelValues>> | object) {
  const entries = Object.entries(labels) as [Label, LabelValues][];
  let combinations: Partial<Record<Label, string>>[] = entries.length > 0 ? [{}] : [];
  for (const [label, values] of entries) {
    if (typeof values === "string") return [];
    combinations = combinations.flatMap((known) => values.map((value) => ({ ...known, [label]: value })));
  }
  return combinations;
}
