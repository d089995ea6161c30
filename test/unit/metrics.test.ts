import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Counter, Gauge, Histogram, type Metric } from "prom-client";
import { describe, expect, it } from "vitest";
import { mayFollow } from "../../db/session-states.ts";
import { JOBS } from "../../queue/jobs.ts";
import { PROCESSES } from "../../runtime/metrics/define.ts";
import { JOB_NAMES, jobLabel, METHODS, methodLabel, PLANS, SESSION_STATES } from "../../runtime/metrics/labels.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What runs in the processes that serve metrics, but the registry itself. */
const SOURCES = ["runtime", "db", "queue", "telegram", "login", "scheduler", "workers", "api", "bot"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
  )
  .filter((path) => path.endsWith(".ts") && !path.startsWith("runtime/metrics"))
  .map((path) => ({ path, source: readFileSync(join(root, path), "utf8") }));

const isMetric = (value: unknown): value is Metric<string> =>
  [Counter, Gauge, Histogram].some((kind) => value instanceof kind);
const metricsOf = (metrics: Metrics) => Object.entries(metrics).filter(([, value]) => isMetric(value));

describe("each metric", () => {
  const all = metricsOf(createMetrics());

  it("is fed by code outside the registry", () => {
    expect(all.length).toBeGreaterThan(60);
    const fed = (name: string) => {
      const feeding = new RegExp(`\\b${name}\\s*(?:\\?\\.|\\.)\\s*(?:inc|set|observe|startTimer|dec)\\(`);
      return SOURCES.some(({ source }) => feeding.test(source));
    };
    expect(all.map(([name]) => name).filter((name) => !fed(name))).toEqual([]);
  });

  it("says what it is, in whom, and what for, and has a name that tells its type", () => {
    const { catalog } = createMetrics();
    expect(catalog.map(({ name }) => name)).toEqual([...new Set(catalog.map(({ name }) => name))]);
    expect(catalog).toHaveLength(all.length);
    for (const { name, type, help, look, in: processes } of catalog) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*[a-z0-9]$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
      expect(look, name).toMatch(/^[A-Za-z0-9].*[.?]$/);
      expect(processes.length, name).toBeGreaterThan(0);
    }
  });

  it("is served by the processes that have it, and by no other", async () => {
    for (const process of PROCESSES) {
      const metrics = createMetrics({ process });
      const text = await metrics.scrape();
      const served = metrics.catalog.filter(({ name }) => text.includes(`# TYPE ${name} `)).map(({ name }) => name);
      expect(served).toEqual(metrics.catalog.filter((each) => each.in.includes(process)).map(({ name }) => name));
      expect(text).toContain("# TYPE nodejs_eventloop_lag_seconds gauge");
      expect(text).toContain("# TYPE process_resident_memory_bytes gauge");
    }
  });

  it("has its fixed labels from the start, so that its first count is a rise", async () => {
    const text = await createMetrics({ process: "worker" }).scrape();
    expect(text).toContain('jobs_finished_total{name="parse-user",outcome="failed"} 0');
    expect(text).toContain('session_lock_failed_total{reason="held"} 0');
    expect(text).not.toContain("telegram_flood_waits_total{");
  });
});

describe("labels that the registry lists", () => {
  it("are the methods that are called", () => {
    const called = SOURCES.filter(({ path }) => path.startsWith("telegram/gramjs/")).flatMap(({ source }) =>
      [...source.matchAll(/(?:method(?::| =)|call\(|pageOf\(|policy\.run\(\{ method:)\s*"([a-z]+\.\w+)"/g)].map(
        ([, method]) => method,
      ),
    );
    expect(called.length).toBeGreaterThan(10);
    expect(called.filter((method) => method !== undefined && methodLabel(method) === "other")).toEqual([]);
    const sources = SOURCES.map(({ source }) => source).join("\n");
    expect(METHODS.filter((method) => method !== "other" && !sources.includes(`"${method}"`))).toEqual([]);
  });

  it("are the kinds of jobs, the states of sessions, and the plans", () => {
    expect(JOB_NAMES).toEqual([...Object.keys(JOBS), "other"]);
    expect(SESSION_STATES.filter((state) => SESSION_STATES.some((to) => mayFollow(state, to)))).toEqual(SESSION_STATES);
    expect([...PLANS].sort()).toEqual(["free", "premium", "trial"]);
  });

  it("let nothing else in", () => {
    expect(methodLabel("messages.getHistory")).toBe("messages.getHistory");
    expect(methodLabel("messages.sendCanary")).toBe("other");
    expect(jobLabel("constructor")).toBe("other");
  });
});

it("a gauge that cannot be read fails the page, not the process", async () => {
  const metrics = createMetrics();
  const end = metrics.whenScraped(() => {
    throw new Error("cannot be read");
  });
  await expect(metrics.scrape()).rejects.toThrow("cannot be read");
  end();
  await expect(metrics.scrape()).resolves.toContain("users_due");
});
