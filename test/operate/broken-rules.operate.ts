import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { type AlertRule, alertsOf, PROMETHEUS_DIR, readRules } from "../support/alert-rules.ts";
import { describeWith } from "../support/programs.ts";
import { promtool } from "../support/promtool.ts";

/** The tests of the rules are tests: each fails for an alert that is broken, and says which it is. */
describeWith("promtool")("promtool's tests of the rules", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "gramfleet-rules-"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const alerts = [...readRules()].flatMap(([file, { groups }]) =>
    alertsOf({ groups }).map(({ alert }) => ({ alert, file, groups })),
  );
  test.each(alerts)("fail where $alert never fires, and where it always does", async ({ alert, file, groups }) => {
    for (const expr of ["vector(0) > 1", "vector(1)"]) {
      const own = mkdtempSync(join(dir, "broken-"));
      const tests = file.replace(".rules.", ".test.");
      const broken = (rule: AlertRule) => (rule.alert === alert ? { ...rule, expr } : rule);
      const changed = groups.map((group) => ({ ...group, rules: group.rules.map(broken) }));
      writeFileSync(join(own, file), stringify({ groups: changed }));
      copyFileSync(join(PROMETHEUS_DIR, tests), join(own, tests));
      const { code, text } = await promtool(["test", "rules", tests], own);
      expect({ expr, code, named: text.includes(`alertname: ${alert}`) }, text).toEqual({ expr, code: 1, named: true });
    }
  });
});
