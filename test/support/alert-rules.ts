import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

/** Where what Prometheus reads lies. */
export const PROMETHEUS_DIR = fileURLToPath(new URL("../../deploy/prometheus", import.meta.url));

const AlertRule = z.strictObject({
  alert: z.string().regex(/^[A-Z][A-Za-z]+$/),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(["warning", "critical"]) }),
  annotations: z.strictObject({
    summary: z.string().max(100),
    description: z.string().endsWith("."),
    runbook_url: z.string(),
  }),
});
export type AlertRule = z.output<typeof AlertRule>;

const RulesFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(AlertRule) })),
});
export type RulesFile = z.output<typeof RulesFile>;

const TestFile = z.object({
  rule_files: z.array(z.string()),
  tests: z.array(
    z.object({
      name: z.string(),
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
});

const filesLike = (pattern: RegExp) => readdirSync(PROMETHEUS_DIR).filter((name) => pattern.test(name));
const read = (name: string): unknown => parse(readFileSync(`${PROMETHEUS_DIR}/${name}`, "utf8"));

/** Every file of rules, by its name. @throws where one is not as our rules are */
export const readRules = (): ReadonlyMap<string, RulesFile> =>
  new Map(filesLike(/\.rules\.yml$/).map((name) => [name, RulesFile.parse(read(name))]));

export const alertsOf = ({ groups }: RulesFile): readonly AlertRule[] => groups.flatMap(({ rules }) => rules);

/** What promtool is to try, by the name of the file that says it. */
export const readRuleTests = () =>
  new Map(filesLike(/\.test\.yml$/).map((name) => [name, TestFile.parse(read(name))] as const));
