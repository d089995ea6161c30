import { afterEach, expect, test } from "vitest";
import { type HealthServer, startHealthServer } from "../../runtime/health.ts";
import { createMetrics } from "../../runtime/metrics.ts";

let server: HealthServer | undefined;
afterEach(() => server?.close());

async function start(checks: Record<string, () => Promise<void>> = {}): Promise<(path: string) => Promise<Response>> {
  const metrics = createMetrics();
  metrics.messagesStored.inc({ change: "new" }, 3);
  const { port, close } = await startHealthServer({ host: "127.0.0.1", port: 0, metrics, checks });
  server = { port, close };
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
}

test("a process that runs is live, whatever its services do", async () => {
  const get = await start({ postgres: () => Promise.reject(new Error("down")) });
  expect((await get("/live")).status).toBe(200);
});

test("it is ready when every check passes, and says which does not", async () => {
  let down = true;
  const get = await start({
    postgres: async () => {
      if (down) throw new Error("postgresql://me:canary@db/x refuses");
    },
    redis: async () => {},
  });
  const before = await get("/ready");
  expect([before.status, await before.json()]).toEqual([503, { status: "down", failing: ["postgres"] }]);
  down = false;
  const after = await get("/ready");
  expect([after.status, await after.json()]).toEqual([200, { status: "ok", failing: [] }]);
});

test("metrics are Prometheus text", async () => {
  const get = await start();
  const answer = await get("/metrics");
  expect(answer.headers.get("content-type")).toContain("text/plain");
  expect(await answer.text()).toContain('messages_stored_total{change="new"} 3');
});

test("a document is made when it is asked for", async () => {
  let users = 1;
  const server_ = await startHealthServer({
    host: "127.0.0.1",
    port: 0,
    metrics: createMetrics(),
    checks: {},
    documents: {
      "/status": async () => {
        if (users > 2) throw new Error("postgresql://me:canary@db/x refuses");
        return { users };
      },
    },
  });
  server = server_;
  const get = (path: string) => fetch(`http://127.0.0.1:${server_.port}${path}`);
  expect(await (await get("/status")).json()).toEqual({ users: 1 });
  users = 3;
  const down = await get("/status");
  expect([down.status, await down.text()]).toEqual([503, expect.not.stringContaining("canary")]);
});

test("anything else is not found", async () => {
  const get = await start();
  expect((await get("/")).status).toBe(404);
});
