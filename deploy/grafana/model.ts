/**
 * A dashboard as Grafana 11 and 12 store it: the part of their JSON model that we write. Grafana brings the schema
 * version up to its own when it reads it.
 */
export const SCHEMA_VERSION = 39;
/** Of a dashboard's width. */
export const COLUMNS = 24;

/** Names of Grafana's formats. */
export type Unit = "short" | "none" | "s" | "bytes" | "percentunit" | "ops" | "cps" | "reqps" | "dtdurations";

/** Colours by meaning: Grafana's own names. */
export type Color = "green" | "yellow" | "orange" | "red" | "blue" | "text";

export interface DataSourceRef {
  readonly type: "prometheus" | "grafana";
  readonly uid: string;
}

export interface Target {
  readonly refId: string;
  readonly datasource: DataSourceRef;
  readonly editorMode: "code";
  readonly expr: string;
  readonly legendFormat: string;
  readonly format: "time_series" | "table" | "heatmap";
  readonly range: boolean;
  readonly instant: boolean;
}

export interface Link {
  readonly title: string;
  readonly url: string;
  readonly targetBlank: boolean;
}

export interface Threshold {
  readonly color: Color;
  /** Null for the first one: everything below the second. */
  readonly value: number | null;
}

export interface Mapping {
  readonly type: "value";
  readonly options: Readonly<Record<string, { readonly text: string; readonly index: number }>>;
}

export interface Override {
  readonly matcher: { readonly id: "byName"; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Row {
  readonly id: number;
  readonly type: "row";
  readonly title: string;
  readonly collapsed: false;
  readonly gridPos: GridPos;
  readonly panels: readonly [];
}

export interface Panel {
  readonly id: number;
  readonly type: "stat" | "timeseries" | "table" | "heatmap";
  readonly title: string;
  readonly description: string;
  readonly gridPos: GridPos;
  readonly datasource: DataSourceRef;
  readonly targets: readonly Target[];
  readonly links: readonly Link[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit: Unit;
      readonly min?: number;
      readonly color: { readonly mode: "thresholds" | "palette-classic" };
      readonly thresholds: { readonly mode: "absolute"; readonly steps: readonly Threshold[] };
      readonly mappings: readonly Mapping[];
      readonly noValue: string;
      readonly custom?: object;
    };
    readonly overrides: readonly Override[];
  };
  readonly options: object;
  readonly transformations: readonly { readonly id: string; readonly options: object }[];
}

interface VariableCommon {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** 0: shown with its label. */
  readonly hide: 0;
  readonly current: object;
}

export type Variable = VariableCommon &
  (
    | { readonly type: "datasource"; readonly query: "prometheus"; readonly regex: ""; readonly refresh: 1 }
    | {
        readonly type: "query";
        readonly datasource: DataSourceRef;
        readonly definition: string;
        /** 1: the values of a label. */
        readonly query: { readonly qryType: 1; readonly query: string; readonly refId: string };
        readonly regex: "";
        /** 2: asked for again whenever the time range changes. */
        readonly refresh: 2;
        /** 1: by name. */
        readonly sort: 1;
        readonly multi: true;
        readonly includeAll: true;
        readonly allValue: ".*";
        readonly options: readonly [];
      }
    | { readonly type: "textbox"; readonly query: string; readonly options: readonly object[] }
  );

export interface Annotation {
  readonly name: string;
  readonly enable: true;
  readonly hide: boolean;
  readonly iconColor: string;
  readonly datasource: DataSourceRef;
  readonly builtIn?: 1;
  readonly type?: "dashboard";
  readonly expr?: string;
  readonly step?: string;
  readonly titleFormat?: string;
  readonly textFormat?: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly editable: boolean;
  /** 1: panels share the crosshair. */
  readonly graphTooltip: 1;
  readonly timezone: "browser";
  readonly time: { readonly from: string; readonly to: string };
  readonly timepicker: object;
  readonly refresh: string;
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly links: readonly object[];
  readonly panels: readonly (Panel | Row)[];
}
