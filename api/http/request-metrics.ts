import type { FastifyInstance } from "fastify";
import type { Metrics } from "../../runtime/metrics.ts";

export type RequestMetrics = Pick<Metrics, "httpRequests" | "httpSeconds">;

const METHODS: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Counts each answer. As in the log, the route as it is declared stands for the address. */
export function countRequests(app: FastifyInstance, metrics: RequestMetrics): void {
  app.addHook("onResponse", async (request, reply) => {
    metrics.httpRequests.inc({
      route: request.routeOptions.url ?? "none",
      method: METHODS.includes(request.method) ? request.method : "other",
      status: `${Math.floor(reply.statusCode / 100)}xx`,
    });
    metrics.httpSeconds.observe(reply.elapsedTime / 1_000);
  });
}
