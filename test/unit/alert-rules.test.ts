import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { alertsOf, readRules, readRuleTests } from "../support/alert-rules.ts";
import { knownSeries, unknownIn } from "../support/promql.ts";

const RUNBOOKS = new URL("../../docs/runbooks/", import.meta.url);
const HEADINGS = ["## What it means", "## Look", "## Do", "## When it is over"];

const rules = readRules();
const alerts = [...rules.values()].flatMap(alertsOf);
const ruleTests = readRuleTests();
const known = knownSeries();

test("what has to be seen has an alert, and each a name of its own", () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining([
      ...["ParsesLate", "UsersOverdue", "SchedulerGone", "FloodStorm", "ApiIdOutOfService", "SessionsDying"],
      ...["GapsStayOpen", "BackupTooOld", "QueueGrows", "RedisMemoryHigh", "DatabasePoolExhausted"],
    ]),
  );
});

test("each file of rules is tried by the file of tests beside it", () => {
  for (const name of rules.keys()) expect(ruleTests.get(name.replace(".rules.", ".test."))?.rule_files).toEqual([name]);
  expect(ruleTests.size).toBe(rules.size);
});

describe.each(alerts.map((rule) => [rule.alert, rule] as const))("%s", (alert, { expr, annotations, labels }) => {
  test("reads metrics and labels that there are, and tells of labels that it has", () => {
    expect(unknownIn(expr, known)).toEqual([]);
    const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/, */) ?? [];
    const told = Object.values(annotations).join(" ");
    for (const [, label] of told.matchAll(/\$labels\.(\w+)/g)) expect(grouped).toContain(label);
  });

  test("is seen to fire once, and to stay silent once", () => {
    const tests = [...ruleTests.values()].flatMap((file) => file.tests);
    const expectations = tests.map(({ name, alert_rule_test }) => ({
      name,
      counts: alert_rule_test.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length),
    }));
    const fires = expectations.filter(({ counts }) => counts.some((count) => count > 0));
    const silent = expectations.filter(({ counts }) => counts.length > 0 && counts.every((count) => count === 0));
    expect(fires.length).toBeGreaterThan(0);
    expect(silent.length).toBeGreaterThan(0);
    for (const { name } of fires) expect(name).toMatch(new RegExp(`^${alert} fires `));
    for (const { name } of silent) expect(name).toMatch(new RegExp(`^${alert} is silent `));
  });

  test("has a page that says what to do", () => {
    expect(annotations.runbook_url).toBe(`{{ $externalURL }}/user/${alert}.md`);
    const page = readFileSync(new URL(`${alert}.md`, RUNBOOKS), "utf8");
    const headings = page.split("\n").filter((line) => line.startsWith("#"));
    expect(headings).toEqual([`# ${alert}`, ...HEADINGS]);
    expect(page).toContain(`Severity: ${labels.severity}.`);
  });
});

test("what adds workers reads metrics that there are, too", () => {
  const scaling = readFileSync(new URL("../../deploy/k8s/worker-scaling.yaml", import.meta.url), "utf8");
  const queries = parseAllDocuments(scaling)
    .flatMap((document) => document.toJS().spec.triggers)
    .map(({ metadata }) => metadata.query);
  expect(queries.length).toBeGreaterThan(0);
  for (const query of queries) expect(unknownIn(query, known)).toEqual([]);
});

test("no page is about an alert that there is not", () => {
  const pages = readdirSync(RUNBOOKS).filter((name) => name !== "README.md");
  expect(pages.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
});
