import { z } from "zod";

/**
 * What Grafana 11 and 12 read of a stored dashboard, as far as ours use it: names, kinds and allowed values after
 * https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ and
 * https://github.com/grafana/grafana/blob/main/kinds/dashboard/dashboard_kind.cue. Strict: what it does not know is a mistake.
 */
const Prometheus = z.strictObject({ type: z.literal("prometheus"), uid: z.literal("$datasource") });
const GridPos = z.strictObject({
  x: z.number().int().min(0).max(23),
  y: z.number().int().min(0),
  w: z.number().int().min(1).max(24),
  h: z.number().int().min(1),
});
export type GridPos = z.output<typeof GridPos>;

const Target = z
  .strictObject({
    refId: z.string().regex(/^[A-Z]$/),
    datasource: Prometheus,
    editorMode: z.enum(["code", "builder"]),
    expr: z.string().min(1),
    legendFormat: z.string().min(1),
    format: z.enum(["time_series", "table", "heatmap"]),
    range: z.boolean(),
    instant: z.boolean(),
  })
  .refine(({ range, instant }) => range !== instant, "either over the range, or now");

const Threshold = z.strictObject({ color: z.string(), value: z.number().nullable() });
const Thresholds = z.strictObject({
  mode: z.enum(["absolute", "percentage"]),
  steps: z
    .array(Threshold)
    .min(1)
    .refine((steps) => steps[0]?.value === null, "the first step begins at nothing")
    .refine(
      (steps) => steps.every(({ value }, index) => index < 2 || (value ?? 0) > (steps[index - 1]?.value ?? 0)),
      "steps rise",
    ),
});

const FieldConfig = z.strictObject({
  defaults: z.strictObject({
    unit: z.enum(["short", "none", "s", "bytes", "percentunit", "ops", "cps", "reqps", "dtdurations"]),
    min: z.number().optional(),
    color: z.strictObject({ mode: z.enum(["thresholds", "palette-classic"]) }),
    thresholds: Thresholds,
    mappings: z.array(
      z.strictObject({
        type: z.literal("value"),
        options: z.record(z.string(), z.strictObject({ text: z.string(), index: z.number() })),
      }),
    ),
    noValue: z.string(),
    custom: z.record(z.string(), z.unknown()).optional(),
  }),
  overrides: z.array(
    z.strictObject({
      matcher: z.strictObject({ id: z.enum(["byName", "byRegexp", "byType", "byFrameRefID"]), options: z.string() }),
      properties: z.array(z.strictObject({ id: z.string(), value: z.unknown() })),
    }),
  ),
});

const Panel = z.strictObject({
  id: z.number().int().positive(),
  type: z.enum(["stat", "timeseries", "table", "heatmap"]),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: GridPos,
  datasource: Prometheus,
  targets: z
    .array(Target)
    .min(1)
    .refine((targets) => new Set(targets.map(({ refId }) => refId)).size === targets.length, "refIds are unique"),
  links: z.array(z.strictObject({ title: z.string(), url: z.string(), targetBlank: z.boolean() })),
  fieldConfig: FieldConfig,
  options: z.record(z.string(), z.unknown()),
  transformations: z.array(z.strictObject({ id: z.string(), options: z.record(z.string(), z.unknown()) })),
});

const Row = z.strictObject({
  id: z.number().int().positive(),
  type: z.literal("row"),
  title: z.string().min(1),
  collapsed: z.literal(false),
  gridPos: GridPos,
  panels: z.array(z.never()),
});

const common = {
  name: z.string().regex(/^\w+$/),
  label: z.string(),
  description: z.string(),
  hide: z.number().int().min(0).max(2),
  current: z.record(z.string(), z.unknown()),
};
const Variable = z.discriminatedUnion("type", [
  z.strictObject({
    ...common,
    type: z.literal("datasource"),
    query: z.literal("prometheus"),
    regex: z.string(),
    refresh: z.literal(1),
  }),
  z.strictObject({
    ...common,
    type: z.literal("query"),
    datasource: Prometheus,
    definition: z.string(),
    query: z.strictObject({ qryType: z.number().int().min(0).max(5), query: z.string(), refId: z.string() }),
    regex: z.string(),
    refresh: z.number().int().min(0).max(2),
    sort: z.number().int().min(0).max(8),
    multi: z.boolean(),
    includeAll: z.boolean(),
    allValue: z.string(),
    options: z.array(z.unknown()),
  }),
  z.strictObject({ ...common, type: z.literal("textbox"), query: z.string(), options: z.array(z.unknown()) }),
]);

const Annotation = z.strictObject({
  name: z.string(),
  enable: z.boolean(),
  hide: z.boolean(),
  iconColor: z.string(),
  datasource: z.strictObject({ type: z.string(), uid: z.string() }),
  builtIn: z.number().optional(),
  type: z.string().optional(),
  expr: z.string().optional(),
  step: z.string().optional(),
  titleFormat: z.string().optional(),
  textFormat: z.string().optional(),
});

export const StoredDashboard = z.strictObject({
  uid: z.string().regex(/^[\w-]{1,40}$/),
  title: z.string().min(1),
  description: z.string().min(1),
  tags: z.array(z.string()),
  schemaVersion: z.number().int().min(39).max(41),
  editable: z.boolean(),
  graphTooltip: z.number().int().min(0).max(2),
  timezone: z.enum(["browser", "utc", ""]),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  timepicker: z.record(z.string(), z.unknown()),
  refresh: z.string().regex(/^\d+[smh]$/),
  templating: z.strictObject({
    list: z.array(Variable).refine((list) => list[0]?.type === "datasource", "the source of data comes first"),
  }),
  annotations: z.strictObject({
    list: z.array(Annotation).refine((list) => list.some(({ builtIn }) => builtIn === 1), "with Grafana's own"),
  }),
  links: z.array(z.record(z.string(), z.unknown())),
  panels: z.array(z.discriminatedUnion("type", [Row, Panel])).min(1),
});
