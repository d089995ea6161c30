import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { DASHBOARDS } from "../../deploy/grafana/dashboards.ts";
import type { Panel, Target } from "../../deploy/grafana/model.ts";
import { fileDataDir } from "../support/data-dir.ts";
import { eventually } from "../support/eventually.ts";
import { gramfleet, jsonOf, prepareCommands } from "../support/gramfleet.ts";
import { describeWith } from "../support/programs.ts";
import { readExpression } from "../support/promql.ts";
import { type FiringAlert, type Prometheus, type Series, startPrometheus } from "./support/prometheus.ts";
import { type RunningUp, startUp } from "./support/running-up.ts";
import { rulesInSixtieths } from "./support/sixtieth.ts";

const RUNBOOKS = fileURLToPath(new URL("../../docs/runbooks", import.meta.url));
/** Every second account is told to wait, again and again. */
const FLOOD_SECONDS = 4;
/** What the fleet of this test gives no reason for. */
const NEVER = ["ApiIdOutOfService", "SessionsDying", "SessionDuplicated", "OwnerMismatch", "RedisAway", "DatabaseAway"];
/** Backups are not switched on, and no API ID is refused that would be tried again. */
const WITHOUT_SERIES = ["session_backup_last_success_timestamp_seconds", "api_id_probes_total"];
/** Somebody who is new. */
const NEWCOMER = { id: 6_900_000_777n, phone: "9996620000777", firstName: "Eve", dcId: 2 };
const RANGE_STEP_SECONDS = 5;

const dataDir = fileDataDir();
prepareCommands();
// Generous: alerts that are to end wait for a fleet that has caught up, on whatever machine.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 });

const targets: readonly (Target & { readonly of: string })[] = Object.entries(DASHBOARDS).flatMap(
  ([name, { panels }]) =>
    panels
      .filter((panel): panel is Panel => panel.type !== "row")
      .flatMap((panel) => panel.targets.map((target) => ({ ...target, of: `${name}: ${panel.title}` }))),
);
/** As Grafana would, with everything chosen: a rate looks back over a premium user's interval. */
const asked = (expr: string) => expr.replaceAll("$__rate_interval", "20s").replaceAll(/\$(api_id|plan|queue)\b/g, ".*");
const hasData = (series: readonly Series[]) => series.some(({ samples }) => samples.some(Number.isFinite));

describeWith("prometheus")("Prometheus beside a fleet that is flooded, frozen and without a scheduler", () => {
  let dir: string;
  let fleet: RunningUp;
  let prometheus: Prometheus;
  let since: number;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "gf-"));
    chmodSync(dir, 0o711);
    fleet = await startUp({ dataDir, dir, users: 60, workers: 2 });
    writeFileSync(join(dir, "sixtieths.rules.yml"), rulesInSixtieths());
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: ["sixtieths.rules.yml"],
      scrape_configs: [{ job_name: "gramfleet", file_sd_configs: [{ files: fleet.targetFiles }] }],
    };
    since = Date.now() / 1_000;
    prometheus = await startPrometheus({ dir, config: stringify(config), userAssets: RUNBOOKS });
  });
  afterAll(async () => {
    await prometheus?.close();
    await fleet?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const firing = async (name: string): Promise<FiringAlert | undefined> =>
    (await prometheus.alerts()).find(({ labels, state }) => labels.alertname === name && state === "firing");

  /** Waits until it fires. Its link leads to the page that says what to do. */
  async function fires(name: string, meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const look = async () => {
      const alert = await firing(name);
      if (!alert) await meanwhile();
      return alert ?? null;
    };
    const alert = await eventually(look, { timeoutMs: 180_000, everyMs: 500, what: name });
    expect(alert.annotations.summary).not.toContain("{{");
    const page = await fetch(alert.annotations.runbook_url ?? "");
    expect(page.status).toBe(200);
    expect(await page.text()).toMatch(new RegExp(`^# ${name}\n`));
  }
  const ends = (name: string) =>
    eventually(async () => (await firing(name)) === undefined, {
      ...{ timeoutMs: 300_000, everyMs: 500, what: `the end of ${name}` },
    });

  test("it finds every process by the file that up writes", async () => {
    const processes = ["api", "bot", "scheduler", "worker", "worker"];
    await eventually(
      async () => {
        const up = (await prometheus.instant("up == 1")).map(({ metric }) => metric.process).sort();
        return JSON.stringify(up) === JSON.stringify(processes);
      },
      { timeoutMs: 60_000, everyMs: 250, what: "five processes" },
    );
  });

  test("people log in, by QR code and by phone", async () => {
    const made = await gramfleet(["tokens", "create", "operate", "--json", "--data-dir", dataDir]);
    const authorization = `Bearer ${jsonOf<{ token: string }>(made).token}`;
    const ask = async <T>(path: string, body?: object): Promise<T> => {
      const headers = { authorization, "content-type": "application/json" };
      const posted = body && { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${fleet.address}${path}`, { headers, ...posted });
      expect(response.status, path).toBe(200);
      return (await response.json()) as T;
    };
    await fleet.telegram.addPerson(NEWCOMER);
    const { sha256: terms } = await ask<{ sha256: string }>("/api/terms");
    const { ticket, link } = await ask<{ ticket: string; link: string }>("/api/qr/start", { terms });
    await fleet.telegram.scan(link, NEWCOMER.id);
    const status = `/api/qr/status?ticket=${encodeURIComponent(ticket)}`;
    await eventually(async () => (await ask<{ state: string }>(status)).state === "AUTHORIZED", {
      ...{ timeoutMs: 60_000, everyMs: 250, what: "the login by QR code" },
    });
    const phone = (await fleet.telegram.accounts())[0]?.phone ?? "";
    const code = (phone[5] ?? "").repeat(5);
    const begun = await ask<{ ticket: string }>("/api/login/code", { phone, terms });
    await ask("/api/login/code/verify", { ticket: begun.ticket, code });
  });

  test("a flood storm is told while it goes on", async () => {
    // Everybody is parsed first: what is flooded then is a fleet at work.
    await eventually(async () => hasData(await prometheus.instant("sum(schedule_lag_seconds_count) > 60")), {
      ...{ timeoutMs: 180_000, everyMs: 1_000, what: "parses" },
    });
    await ends("FloodStorm");
    const accounts = (await fleet.telegram.accounts()).filter((_, index) => index % 2 === 0);
    const accountIds = accounts.map(({ telegramId }) => telegramId);
    await fires("FloodStorm", () => fleet.telegram.forceFlood({ accountIds, seconds: FLOOD_SECONDS }));
    await ends("FloodStorm");
  });

  test("users are told to be overdue while no worker moves, and parses to be late once they do", async () => {
    await ends("UsersOverdue");
    await ends("ParsesLate");
    const thaw = fleet.freeze("worker");
    try {
      await fires("UsersOverdue");
    } finally {
      thaw();
    }
    await fires("ParsesLate");
    await ends("UsersOverdue");
    await ends("ParsesLate");
  });

  test("a scheduler that stands still is told to be gone, and no worker is", async () => {
    await ends("WorkersGone");
    await ends("SchedulerGone");
    const thaw = fleet.freeze("scheduler");
    try {
      await fires("SchedulerGone");
      expect(await firing("WorkersGone")).toBeUndefined();
    } finally {
      thaw();
    }
    await ends("SchedulerGone");
  });

  describe("afterwards", () => {
    test("what nothing was wrong with was never told", async () => {
      const fired = await prometheus.range('count by (alertname) (ALERTS{alertstate="firing"})', since, 1);
      const names = fired.map(({ metric }) => metric.alertname);
      expect(names).toEqual(expect.arrayContaining(["FloodStorm", "ParsesLate", "SchedulerGone", "UsersOverdue"]));
      expect(names.filter((name) => NEVER.includes(name ?? ""))).toEqual([]);
    });

    test("every expression of every dashboard gives data", async () => {
      expect(targets.length).toBeGreaterThan(80);
      const empty: string[] = [];
      for (const { expr, instant, of } of targets) {
        const series =
          instant && !expr.includes("ALERTS")
            ? await prometheus.instant(asked(expr))
            : await prometheus.range(asked(expr), since, RANGE_STEP_SECONDS);
        if (!hasData(series)) empty.push(`${of}: ${expr}`);
      }
      expect(empty).toEqual([]);
    });

    test("and none of it only because it says 0 where there is no series", async () => {
      const metrics = new Set(
        targets.flatMap(({ expr }) => readExpression(expr).selectors.map(({ metric }) => metric)),
      );
      const missing: string[] = [];
      for (const metric of metrics)
        if (!hasData(await prometheus.range(`count(${metric})`, since, RANGE_STEP_SECONDS))) missing.push(metric);
      expect(missing.filter((metric) => !WITHOUT_SERIES.includes(metric))).toEqual([]);
    });

    test("everything that can be chosen has something to choose from", async () => {
      for (const { templating } of Object.values(DASHBOARDS))
        for (const variable of templating.list)
          if (variable.type === "query") {
            const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(variable.definition) ?? [];
            expect((await prometheus.values(metric, label)).length).toBeGreaterThan(1);
          }
    });

    test("nothing was lost for all that", async () => {
      await fleet.close();
      fleet.up.signal("SIGINT");
      const ran = await fleet.up.ended;
      expect(ran, ran.stderr).toMatchObject({ code: 0 });
      expect(ran.stdout).toContain("lost 0 · doubled 0 · calls before a wait's end 0 · keys killed 0");
    });
  });
});
