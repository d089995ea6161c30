import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createLimits } from "../../config/limits.ts";
import { loadConfig } from "../../config/load.ts";
import { VARIABLES } from "../../config/variables.ts";
import { composeBreaches, modelErrors, readCompose, secondsOf } from "../support/compose.ts";
import { envOf, parseDockerfile } from "../support/dockerfile.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "deploy/compose.yml"), "utf8");
const file = readCompose(text);
const OURS = ["migrate", "scheduler", "worker", "api", "bot"];

describe("the compose file", () => {
  test("is one, and breaks no rule", () => {
    expect(modelErrors(file)).toEqual([]);
    expect(composeBreaches(file)).toEqual([]);
    expect(Object.keys(file.services).sort()).toEqual(
      [...OURS, "postgres", "redis", "caddy", "prometheus", "grafana"].sort(),
    );
  });

  test("publishes Caddy, and what watches to this machine alone", () => {
    const published = Object.entries(file.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, port]),
    );
    for (const [name, port] of published) if (name !== "caddy") expect(port, name).toMatch(/^127\.0\.0\.1:/);
    expect(published.map(([name]) => name)).not.toContain("postgres");
    for (const name of ["postgres", "redis"]) {
      expect(file.services[name]?.networks).toEqual(["data"]);
      expect(file.networks.data).toMatchObject({ internal: true });
    }
    expect(file.services.caddy?.networks).not.toContain("data");
  });

  test("has Redis keep what it is told, and refuse rather than forget", () => {
    const words = file.services.redis?.command ?? [];
    const said = (Array.isArray(words) ? words : []).join(" ");
    for (const wanted of ["--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"])
      expect(said).toContain(wanted);
  });

  test("mounts and names what is there", () => {
    const mounted = Object.values(file.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(":")[0] ?? ""),
    );
    const paths = mounted.filter((path) => path.startsWith("."));
    expect(paths.length).toBeGreaterThan(4);
    expect(paths.filter((path) => !existsSync(join(root, "deploy", path)))).toEqual([]);
  });

  test("gives our processes variables that there are, enough time to stop, and the port that Prometheus asks", () => {
    for (const name of OURS) {
      const service = file.services[name];
      expect(
        Object.keys(service?.environment ?? {}).filter((each) => !(each in VARIABLES)),
        name,
      ).toEqual([]);
      expect(secondsOf(service?.stop_grace_period ?? "") * 1_000).toBeGreaterThan(
        createLimits().shutdownGraceMs + 10_000,
      );
      expect(service?.env_file).toEqual([{ path: "compose/gramfleet.env" }]);
    }
    const image = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8")).stages.at(-1)?.instructions ?? [];
    const env = Object.assign({}, ...image.filter(({ name }) => name === "ENV").map(envOf)) as Record<string, string>;
    const prometheus = readFileSync(join(root, "deploy/prometheus/prometheus.yml"), "utf8");
    expect(file.services.worker?.environment).toMatchObject({
      METRICS_PORT: env.METRICS_PORT,
      METRICS_HOST: "0.0.0.0",
    });
    expect(prometheus).toContain(`port: ${env.METRICS_PORT}`);
  });
});

test.each([
  ["read_only: true", "read_only: false", "can be written"],
  ["cap_drop: [ALL]", "cap_drop: []", "keeps capabilities"],
  ['security_opt: ["no-new-privileges:true"]', "security_opt: []", "may gain privileges"],
  ["redis:7.4.5-bookworm", "redis:latest", "redis: its image is not pinned"],
  ["redis:7.4.5-bookworm", "redis", "redis: its image is not pinned"],
  ["stop_grace_period: 45s", "stop_grace_period: 10s", "killed too soon"],
  ["redis: { condition: service_healthy }", "redis: { condition: service_started }", "does not wait until redis works"],
  ["./caddy/Caddyfile:/etc/caddy/Caddyfile:ro", "./caddy/Caddyfile:/etc/caddy/Caddyfile", "can be written"],
  ["networks: [edge]", "networks: [edges]", "no network edges"],
])("rules: %j as %j is heard of", (good, bad, said) => {
  expect(text).toContain(good);
  expect(composeBreaches(readCompose(text.replace(good, bad))).join("\n")).toContain(said);
});

test("Compose's model says what is misspelt", () => {
  expect(modelErrors(readCompose(text.replace("stop_grace_period", "stop_grace_perod"))).length).toBeGreaterThan(0);
});

test("prepare.sh makes secrets that gramfleet takes, once", () => {
  const folder = mkdtempSync(join(tmpdir(), "gramfleet-compose-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const prepare = () =>
    execFileSync(join(root, "deploy/compose/prepare.sh"), [folder], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  prepare();
  const variables = readFileSync(join(folder, "gramfleet.env"), "utf8");
  const env = parseEnv(variables);
  expect(Object.keys(env).filter((name) => !(name in VARIABLES))).toEqual([]);
  const config = loadConfig(env, ["database", "keyring"]);
  expect(config.keyring).toHaveLength(1);
  for (const { file: path } of Object.values(file.secrets)) {
    const secret = join(folder, path.replace("compose/", ""));
    expect(readFileSync(secret, "utf8")).toMatch(/^[0-9a-f]{48}$/);
  }
  expect(config.databaseUrl).toContain(readFileSync(join(folder, "secrets/postgres_password"), "utf8"));
  expect(statSync(join(folder, "secrets")).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "gramfleet.env")).mode & 0o777).toBe(0o600);
  prepare();
  expect(readFileSync(join(folder, "gramfleet.env"), "utf8")).toBe(variables);
});
