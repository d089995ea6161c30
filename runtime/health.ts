import { createServer, type Server } from "node:http";
import type { Lifecycle } from "./lifecycle.ts";
import type { Metrics } from "./metrics.ts";

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/live` (the process runs), `/ready` (200 when every check passes, else 503 with the failing names) and
 * `/metrics` (Prometheus text), and whatever JSON `documents` make when asked for their path. Port 0 takes a free one.
 */
export async function startHealthServer(options: {
  host: string;
  port: number;
  metrics: Metrics;
  checks: Record<string, () => Promise<void>>;
  documents?: Record<string, () => Promise<unknown>>;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = "application/json") => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    const path = request.url?.split("?")[0];
    if (path === "/live") return answer(200, '{"status":"ok"}');
    if (path === "/ready") {
      void readiness(options.checks).then((failing) =>
        answer(failing.length ? 503 : 200, JSON.stringify({ status: failing.length ? "down" : "ok", failing })),
      );
      return;
    }
    if (path === "/metrics") {
      options.metrics.scrape().then(
        (text) => answer(200, text, options.metrics.registry.contentType),
        () => answer(500, "metrics could not be collected", "text/plain"),
      );
      return;
    }
    const document = path === undefined ? undefined : options.documents?.[path];
    if (document) {
      document().then(
        (value) => answer(200, JSON.stringify(value)),
        () => answer(503, '{"error":{"code":"unavailable","message":"a service it needs does not answer"}}'),
      );
      return;
    }
    answer(404, '{"error":{"code":"not_found","message":"try /live, /ready or /metrics"}}');
  });
  await listen(server, options.host, options.port);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The same for a process whose readiness is that PostgreSQL and Redis answer, owned by `lifecycle`. */
export async function ownHealthServer(
  lifecycle: Lifecycle,
  {
    database,
    redis,
    ...options
  }: Omit<Parameters<typeof startHealthServer>[0], "checks"> & {
    readonly database: { check(): Promise<void> };
    readonly redis: { ping(): Promise<unknown> };
  },
): Promise<HealthServer> {
  const checks = { database: () => database.check(), redis: async () => void (await redis.ping()) };
  return lifecycle.own("health server", await startHealthServer({ ...options, checks }), (opened) => opened.close());
}

async function readiness(checks: Record<string, () => Promise<void>>): Promise<string[]> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await check();
        return null;
      } catch {
        return name;
      }
    }),
  );
  return results.filter((name) => name !== null);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
