import {
  type Annotation,
  COLUMNS,
  type Dashboard,
  type GridPos,
  type Panel,
  type Row,
  SCHEMA_VERSION,
  type Variable,
} from "./model.ts";
import { PROMETHEUS, type Unplaced } from "./panels.ts";

const ROW_HEIGHT = 1;
const TAG = "gramfleet";

/** What a dashboard can be narrowed down to, by the label of that name. */
export type Choice = "api_id" | "plan" | "queue";

const CHOICES: Readonly<Record<Choice, { readonly label: string; readonly of: string; readonly says: string }>> = {
  api_id: { label: "API ID", of: "telegram_api_calls_total", says: "API IDs; people's own ones count as own" },
  plan: { label: "Plan", of: "schedule_lag_seconds_count", says: "The plan in force" },
  queue: { label: "Queue", of: "queue_depth", says: "Job queues: one for each API ID, and parse-own" },
};

/** Puts panels in rows, one below the other, and each row's panels from left to right. */
export function dashboard(described: {
  readonly name: string;
  readonly title: string;
  readonly says: string;
  readonly choices?: readonly Choice[];
  readonly rows: Readonly<Record<string, readonly Unplaced[]>>;
}): Dashboard {
  return {
    uid: `gramfleet-${described.name}`,
    title: `gramfleet / ${described.title}`,
    description: described.says,
    tags: [TAG],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    graphTooltip: 1,
    timezone: "browser",
    time: { from: "now-6h", to: "now" },
    timepicker: {},
    refresh: "30s",
    templating: { list: [dataSource(), ...(described.choices ?? []).map(choice), runbooks()] },
    annotations: { list: annotations() },
    links: [
      {
        type: "dashboards",
        title: "gramfleet",
        tags: [TAG],
        asDropdown: false,
        icon: "external link",
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        tooltip: "",
        url: "",
      },
    ],
    panels: place(described.rows),
  };
}

function place(rows: Readonly<Record<string, readonly Unplaced[]>>): (Panel | Row)[] {
  const placed: (Panel | Row)[] = [];
  let top = 0;
  const id = () => placed.length + 1;
  for (const [title, panels] of Object.entries(rows)) {
    const gridPos = { x: 0, y: top, w: COLUMNS, h: ROW_HEIGHT };
    placed.push({ id: id(), type: "row", title, collapsed: false, gridPos, panels: [] });
    top += ROW_HEIGHT;
    let left = 0;
    let height = 0;
    for (const { size, panel } of panels) {
      const [w, h] = size;
      if (left + w > COLUMNS) {
        top += height;
        left = 0;
        height = 0;
      }
      const at: GridPos = { x: left, y: top, w, h };
      placed.push({ id: id(), gridPos: at, ...panel });
      left += w;
      height = Math.max(height, h);
    }
    top += height;
  }
  return placed;
}

const dataSource = (): Variable => ({
  type: "datasource",
  name: "datasource",
  label: "Prometheus",
  description: "The Prometheus that scrapes the fleet",
  hide: 0,
  query: "prometheus",
  regex: "",
  refresh: 1,
  current: {},
});

function choice(name: Choice): Variable {
  const { label, of, says } = CHOICES[name];
  const definition = `label_values(${of}, ${name})`;
  return {
    type: "query",
    name,
    label,
    description: says,
    hide: 0,
    datasource: PROMETHEUS,
    definition,
    query: { qryType: 1, query: definition, refId: `choice-${name}` },
    regex: "",
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".*",
    options: [],
    current: { selected: true, text: ["All"], value: ["$__all"] },
  };
}

/** Prometheus serves them itself (`--web.user-assets`): where a browser reaches it is the operator's to say. */
function runbooks(): Variable {
  const at = "http://localhost:9090/user";
  const current = { selected: true, text: at, value: at };
  return {
    type: "textbox",
    name: "runbooks",
    label: "Runbooks at",
    description: "Where docs/runbooks is served: Prometheus's address and /user",
    hide: 0,
    query: at,
    options: [current],
    current,
  };
}

function annotations(): Annotation[] {
  return [
    {
      name: "Annotations & Alerts",
      type: "dashboard",
      builtIn: 1,
      enable: true,
      hide: true,
      iconColor: "rgba(0, 211, 255, 1)",
      datasource: { type: "grafana", uid: "-- Grafana --" },
    },
    {
      name: "Alerts",
      enable: true,
      hide: false,
      iconColor: "red",
      datasource: PROMETHEUS,
      expr: 'max by (alertname, severity) (ALERTS{alertstate="firing"})',
      step: "30s",
      titleFormat: "{{alertname}}",
      textFormat: "{{severity}}",
    },
  ];
}
