import type { Color, DataSourceRef, Link, Mapping, Override, Panel, Target, Threshold, Unit } from "./model.ts";

/** Prometheus, as the dashboard's variable says which. */
export const PROMETHEUS: DataSourceRef = { type: "prometheus", uid: "$datasource" };

/** Where the runbooks are served, as the dashboard's variable says. */
const RUNBOOKS = `\${runbooks:raw}`;

export interface Query {
  readonly expr: string;
  /** What its series are called: Grafana's template of labels. */
  readonly legend?: string;
}

interface Described {
  readonly title: string;
  /** What it shows, and what is normal. */
  readonly says: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Where a value begins to be something else, rising; below the first one it is good. */
  readonly limits?: readonly (readonly [from: number, color: Color])[];
  /** What it is below the first limit: green, unless it is neither good nor bad. */
  readonly below?: Color;
  /** Words in place of single values. */
  readonly words?: Readonly<Record<string, string>>;
  /** The alerts whose runbooks say what to do. */
  readonly alerts?: readonly string[];
  /** Columns (of 24) and rows that it takes. */
  readonly size?: readonly [columns: number, rows: number];
}

/** A panel before it has its place. */
export interface Unplaced {
  readonly size: readonly [columns: number, rows: number];
  readonly panel: Omit<Panel, "id" | "gridPos">;
}

/** One number a series: how it stands now. */
export function stat(described: Described & { readonly graph?: boolean }): Unplaced {
  return unplaced("stat", described, {
    size: [4, 4],
    instant: described.graph === false,
    options: {
      colorMode: "value",
      graphMode: described.graph === false ? "none" : "area",
      justifyMode: "auto",
      orientation: "auto",
      textMode: described.queries.length > 1 ? "value_and_name" : "auto",
      wideLayout: true,
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
    },
    color: "thresholds",
  });
}

/** How it went. Limits are drawn as lines. */
export function timeseries(described: Described & { readonly stacked?: boolean }): Unplaced {
  return unplaced("timeseries", described, {
    size: [12, 8],
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] },
      tooltip: { mode: "multi", sort: "desc" },
    },
    custom: {
      drawStyle: "line",
      lineInterpolation: "linear",
      lineWidth: 1,
      fillOpacity: described.stacked ? 30 : 10,
      showPoints: "never",
      spanNulls: false,
      stacking: { mode: described.stacked ? "normal" : "none", group: "A" },
      thresholdsStyle: { mode: described.limits ? "line" : "off" },
    },
    color: "palette-classic",
  });
}

/** A histogram's buckets over time. */
export function heatmap(described: Described): Unplaced {
  return unplaced("heatmap", described, {
    size: [12, 8],
    format: "heatmap",
    options: {
      calculate: false,
      cellGap: 1,
      color: { mode: "scheme", scheme: "Oranges", steps: 64, exponent: 0.5, fill: "dark-orange", reverse: false },
      exemplars: { color: "rgba(255,0,255,0.7)" },
      filterValues: { le: 1e-9 },
      legend: { show: true },
      rowsFrame: { layout: "auto" },
      tooltip: { mode: "single", showColorScale: false, yHistogram: false },
      yAxis: { axisPlacement: "left", reverse: false, unit: described.unit },
    },
    color: "palette-classic",
  });
}

/** A line a series, a column a label: all that the query groups by. `columns` names them, in this order; `Value` among them. */
export function table(
  described: Omit<Described, "queries"> & {
    readonly query: string;
    readonly columns: Readonly<Record<string, string>>;
    /** A column whose words lead somewhere. */
    readonly leads?: { readonly column: string; readonly to: string };
  },
): Unplaced {
  const { query, columns, leads, ...rest } = described;
  const shown = Object.keys(columns);
  return unplaced(
    "table",
    { ...rest, queries: [{ expr: query }] },
    {
      size: [12, 8],
      format: "table",
      instant: true,
      options: { showHeader: true, cellHeight: "sm", footer: { show: false, reducer: ["sum"], fields: "" } },
      custom: { align: "auto", cellOptions: { type: "auto" }, inspect: false, filterable: false },
      color: "thresholds",
      overrides: leads
        ? [
            {
              matcher: { id: "byName", options: columns[leads.column] ?? leads.column },
              properties: [{ id: "links", value: [{ title: "Runbook", url: leads.to, targetBlank: true }] }],
            },
          ]
        : [],
      transformations: [
        {
          id: "organize",
          options: {
            excludeByName: Object.fromEntries(
              ["Time", "Value"].filter((name) => !(name in columns)).map((name) => [name, true]),
            ),
            indexByName: Object.fromEntries(shown.map((name, index) => [name, index])),
            renameByName: columns,
          },
        },
      ],
    },
  );
}

/** The page of an alert. */
export const runbookOf = (alert: string): string => `${RUNBOOKS}/${alert}.md`;

interface Kind {
  readonly size: readonly [columns: number, rows: number];
  readonly format?: Target["format"];
  readonly instant?: boolean;
  readonly options: object;
  readonly custom?: object;
  readonly color: "thresholds" | "palette-classic";
  readonly overrides?: readonly Override[];
  readonly transformations?: Panel["transformations"];
}

function unplaced(type: Panel["type"], described: Described, kind: Kind): Unplaced {
  const first: Threshold = { color: described.below ?? (described.limits ? "green" : "text"), value: null };
  const steps = [first, ...(described.limits ?? []).map(([value, color]) => ({ color, value }))];
  return {
    size: described.size ?? kind.size,
    panel: {
      type,
      title: described.title,
      description: described.says,
      datasource: PROMETHEUS,
      targets: described.queries.map((query, index) => targetOf(query, index, kind)),
      links: (described.alerts ?? []).map(linkOf),
      fieldConfig: {
        defaults: {
          unit: described.unit,
          min: 0,
          color: { mode: kind.color },
          thresholds: { mode: "absolute", steps },
          mappings: described.words ? [wordsFor(described.words)] : [],
          noValue: "–",
          ...(kind.custom ? { custom: kind.custom } : {}),
        },
        overrides: kind.overrides ?? [],
      },
      options: kind.options,
      transformations: kind.transformations ?? [],
    },
  };
}

const wordsFor = (words: Readonly<Record<string, string>>): Mapping => ({
  type: "value",
  options: Object.fromEntries(Object.entries(words).map(([value, text], index) => [value, { text, index }])),
});

const linkOf = (alert: string): Link => ({ title: `What to do: ${alert}`, url: runbookOf(alert), targetBlank: true });

function targetOf({ expr, legend }: Query, index: number, kind: Kind): Target {
  return {
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: PROMETHEUS,
    editorMode: "code",
    expr: expr.trim().replaceAll(/\s+/g, " "),
    legendFormat: legend ?? "__auto",
    format: kind.format ?? "time_series",
    range: !kind.instant,
    instant: kind.instant ?? false,
  };
}
