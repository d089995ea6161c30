import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DASHBOARDS } from "../../deploy/grafana/dashboards.ts";
import { COLUMNS } from "../../deploy/grafana/model.ts";
import { alertsOf, readRules } from "../support/alert-rules.ts";
import { type GridPos, StoredDashboard } from "../support/grafana-model.ts";
import { knownSeries, unknownIn } from "../support/promql.ts";

const DIR = new URL("../../deploy/grafana/dashboards/", import.meta.url);
const json = (name: string) => `${JSON.stringify(DASHBOARDS[name], null, 2)}\n`;

const known = knownSeries();
const counters = new Set([...known.keys()].filter((name) => /_(total|count|sum|bucket)$/.test(name)));
const alertNames = new Set([...readRules().values()].flatMap(alertsOf).map(({ alert }) => alert));

test("every dashboard is written, and no other (vitest -u writes them anew)", async () => {
  for (const name of Object.keys(DASHBOARDS))
    await expect(json(name)).toMatchFileSnapshot(`../../deploy/grafana/dashboards/${name}.json`);
  const files = readdirSync(DIR).sort();
  expect(files).toEqual(
    Object.keys(DASHBOARDS)
      .map((name) => `${name}.json`)
      .sort(),
  );
});

const stored = Object.keys(DASHBOARDS).map((name) => [name, StoredDashboard.parse(JSON.parse(json(name)))] as const);

test("each has an address of its own", () => {
  const uids = stored.map(([, { uid }]) => uid);
  expect(new Set(uids).size).toBe(uids.length);
  expect(new Set(stored.map(([, { title }]) => title)).size).toBe(uids.length);
});

describe.each(stored)("%s", (_, dashboard) => {
  const panels = dashboard.panels.filter((panel) => panel.type !== "row");
  const variables = new Set(dashboard.templating.list.map(({ name }) => name));
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  test("panels have ids and places of their own, within the width", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos }) => cellsOf(gridPos));
    expect(cells.filter((cell, index) => cells.indexOf(cell) !== index)).toEqual([]);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > COLUMNS)).toEqual([]);
  });

  test("every expression reads metrics and labels that there are", () => {
    expect(expressions.flatMap((expr) => unknownIn(expr, known).map((what) => `${what}: ${expr}`))).toEqual([]);
  });

  test("what counts is read as a rate, and nothing else is", () => {
    for (const expr of expressions) {
      const rated = [...expr.matchAll(/\b(?:rate|increase)\(([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);
      for (const name of rated) expect(counters, expr).toContain(name);
      const bare = expr.replaceAll(/\b(?:rate|increase)\([^[]*\[[^\]]*\]\)/g, "");
      expect((bare.match(/\w+/g) ?? []).filter((name) => counters.has(name))).toEqual([]);
    }
  });

  test("variables, their labels and links lead somewhere", () => {
    for (const [, name = ""] of JSON.stringify(panels).matchAll(/\$\{?([a-z_]\w*)/g))
      if (!name.startsWith("__")) expect(variables).toContain(name);
    for (const variable of dashboard.templating.list)
      if (variable.type === "query") {
        const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(variable.definition) ?? [];
        expect(known.get(metric)).toContain(label);
        expect(expressions.some((expr) => expr.includes(`${label}=~"$${variable.name}"`))).toBe(true);
      }
    for (const { links } of panels)
      for (const { url } of links) expect(alertNames).toContain(/^\$\{runbooks:raw\}\/(\w+)\.md$/.exec(url)?.[1]);
  });

  test("legends name labels that the series have", () => {
    for (const { targets } of panels)
      for (const { expr, legendFormat } of targets)
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(expr.includes("by (") ? groupedBy(expr) : ["instance", "process"], expr).toContain(label);
  });
});

test("Grafana is told where they are, and how often Prometheus scrapes", () => {
  const read = (path: string) => parse(readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8"));
  const [provider] = read("grafana/provisioning/dashboards/gramfleet.yml").providers;
  expect(provider).toMatchObject({ type: "file", options: { path: expect.stringMatching(/^\//) } });
  const [source] = read("grafana/provisioning/datasources/prometheus.yml").datasources;
  expect(source).toMatchObject({ type: "prometheus", isDefault: true });
  expect(source.jsonData.timeInterval).toBe(read("prometheus/prometheus.yml").global.scrape_interval);
});

test("each alert's runbook is a link on some panel", () => {
  const linked = stored.flatMap(([, { panels }]) => panels.flatMap((panel) => ("links" in panel ? panel.links : [])));
  const names = linked.map(({ url }) => /(\w+)\.md$/.exec(url)?.[1]);
  expect([...alertNames].filter((name) => !names.includes(name))).toEqual([]);
});

const cellsOf = ({ x, y, w, h }: GridPos): string[] =>
  Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`);

const groupedBy = (expr: string) =>
  [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(",").map((label) => label.trim()));
