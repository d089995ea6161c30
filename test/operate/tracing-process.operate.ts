import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { prepareCommands, startGramfleet } from "../support/gramfleet.ts";
import { type TestDatabase, testDatabase, testRedis } from "../support/services.ts";
import { startTraceCollector } from "../support/trace-collector.ts";

const dir = mkdtempSync(join(tmpdir(), "gramfleet-tracing-"));
prepareCommands();
let home: TestDatabase;
let collector: Awaited<ReturnType<typeof startTraceCollector>>;

beforeAll(async () => {
  home = await testDatabase();
  collector = await startTraceCollector();
});
afterAll(async () => {
  await collector?.close();
  await home?.drop();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs the program as it is built for production for one request; gives what it loaded and what it said. */
async function api(name: string, env: NodeJS.ProcessEnv): Promise<{ loaded: string[]; line: Record<string, unknown> }> {
  // V8 writes down at its end which scripts a process ever loaded.
  const coverage = join(dir, name);
  mkdirSync(coverage);
  const { url, prefix } = testRedis();
  const running = startGramfleet(["api"], {
    env: {
      ...env,
      DATABASE_URL: home.url,
      REDIS_URL: url,
      REDIS_PREFIX: prefix,
      API_PORT: "0",
      NODE_V8_COVERAGE: coverage,
    },
  });
  await running.ready();
  const { address } = JSON.parse(/^.*"api started".*$/m.exec(running.stderr())?.[0] ?? "{}") as { address: string };
  await fetch(`${address}/docs`);
  await running.says(/"request answered"/);
  running.signal("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0 });
  const loaded = readdirSync(coverage).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(coverage, file), "utf8")) as { result: { url: string }[] };
    return result.map((script) => script.url);
  });
  return { loaded, line: JSON.parse(/^.*"request answered".*$/m.exec(running.stderr())?.[0] ?? "{}") };
}

it("loads nothing of OpenTelemetry where nothing is traced", async () => {
  const { loaded, line } = await api("off", { OTEL_SERVICE_NAME: "reader" });
  expect(loaded.some((url) => url.endsWith("/cli/main.js"))).toBe(true);
  expect(loaded.filter((url) => /open-?telemetry/i.test(url))).toEqual([]);
  expect(line).not.toHaveProperty("trace_id");
});

it("the built program traces, and sends what is left when it ends", async () => {
  const { loaded, line } = await api("on", { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  expect(loaded.filter((url) => /open-?telemetry/i.test(url))).not.toEqual([]);
  const [request] = collector.spans();
  expect(request).toMatchObject({ service: "gramfleet-api", name: "GET /docs", kind: "server" });
  expect(line.trace_id).toBe(request!.traceId);
});
