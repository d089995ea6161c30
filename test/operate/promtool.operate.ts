import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { PROMETHEUS_DIR, readRules, readRuleTests } from "../support/alert-rules.ts";
import { describeWith } from "../support/programs.ts";
import { promtool } from "../support/promtool.ts";

const rules = readRules();

describeWith("promtool")("promtool", () => {
  test("finds the rules and the configuration good", async () => {
    const checked = await promtool(["check", "rules", ...rules.keys()]);
    expect(checked, checked.text).toMatchObject({ code: 0 });
    // With the example's targets: it would warn of none.
    const dir = mkdtempSync(join(tmpdir(), "gramfleet-rules-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    for (const name of readdirSync(PROMETHEUS_DIR).filter((name) => /\.(yml|json)$/.test(name)))
      copyFileSync(join(PROMETHEUS_DIR, name), join(dir, name));
    mkdirSync(join(dir, "targets"));
    copyFileSync(join(dir, "targets.example.json"), join(dir, "targets", "pm2.json"));
    const config = await promtool(["check", "config", "prometheus.yml"], dir);
    expect(config, config.text).toMatchObject({ code: 0 });
    expect(config.text).not.toMatch(/warning|FAILED/i);
    expect(config.text).toContain(`${rules.size} rule files found`);
  });

  test("sees every alert fire, and stay silent, as the tests beside the rules say", async () => {
    const tried = await promtool(["test", "rules", ...readRuleTests().keys()]);
    expect(tried, tried.text).toMatchObject({ code: 0 });
  });
});
