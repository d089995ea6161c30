import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { createLimits } from "../../config/limits.ts";

interface App {
  readonly name: string;
  readonly args: string;
  readonly exec_mode: string;
  readonly instances?: number;
  readonly kill_timeout: number;
  readonly wait_ready: boolean;
  readonly env: { readonly NODE_ENV: string; readonly METRICS_PORT: string };
}

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gramfleet-pm2-"));
  copyFileSync(join(root, "ecosystem.config.cjs"), join(folder, "ecosystem.config.cjs"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What pm2 would run with this environment and this .env. */
function appsOf(env: NodeJS.ProcessEnv, envFile = ""): readonly App[] {
  writeFileSync(join(folder, ".env"), envFile);
  const print = "process.stdout.write(JSON.stringify(require('./ecosystem.config.cjs').apps))";
  return JSON.parse(execFileSync(process.execPath, ["-e", print], { cwd: folder, env, encoding: "utf8" })) as App[];
}

const namesOf = (apps: readonly App[]) => apps.map(({ name }) => name);

describe("what pm2 runs", () => {
  test("is a scheduler, two of the api and workers, a bot where there is one", () => {
    const usual = ["scheduler", "api-1", "api-2", "worker-1", "worker-2"];
    expect(namesOf(appsOf({}))).toEqual(usual);
    expect(namesOf(appsOf({ BOT_TOKEN: "1:x" }))).toContain("bot");
    expect(namesOf(appsOf({}, "BOT_TOKEN=1:x\nWORKERS=3\n"))).toEqual([
      ...usual.slice(0, 3),
      "bot",
      ...usual.slice(3),
      "worker-3",
    ]);
    expect(namesOf(appsOf({ WORKERS: "1" }, "WORKERS=3\n"))).toEqual(usual.slice(0, 4));
  });

  test("is of production, one process an app, waited for at its start and long enough at its end", () => {
    for (const app of appsOf({ BOT_TOKEN: "1:x", NODE_ENV: "development" })) {
      expect(Object.keys(COMMANDS)).toContain(app.args);
      expect(app).toMatchObject({ wait_ready: true, env: { NODE_ENV: "production" } });
      expect(app.instances).toBeUndefined();
      expect(app.exec_mode).toBe(app.args === "api" ? "cluster" : "fork");
      // Beyond the grace a process hands back what it holds (5 s), and closes what it owns.
      expect(app.kill_timeout).toBeGreaterThan(createLimits().shutdownGraceMs + 10_000);
    }
  });

  test("has a port each for its metrics, which Prometheus's example names", () => {
    const ports = (env: NodeJS.ProcessEnv) =>
      appsOf({ BOT_TOKEN: "1:x", ...env }).map(({ args, env: { METRICS_PORT } }) => `${args} ${METRICS_PORT}`);
    const example = JSON.parse(readFileSync(join(root, "deploy/prometheus/targets.example.json"), "utf8")) as {
      targets: string[];
      labels: { process: string };
    }[];
    const named = example.flatMap(({ targets, labels }) =>
      targets.map((at) => `${labels.process} ${at.split(":")[1]}`),
    );
    expect(ports({}).sort()).toEqual(named.sort());
    const many = ports({ METRICS_PORT: "20000", WORKERS: "8" });
    expect(new Set(many.map((each) => each.split(" ")[1])).size).toBe(many.length);
    expect(many).toContain("worker 20013");
  });
});
