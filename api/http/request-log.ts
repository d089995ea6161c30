import type { FastifyInstance } from "fastify";

/**
 * One line a request, after its answer: what it was, never what it carried. The route as it is declared stands for the
 * address, in which people put tokens; headers, bodies and queries are not logged at all.
 */
export function logRequests(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { caller } = request;
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        from: request.ip,
        caller: caller?.kind ?? null,
        ...(caller ? { tenant: caller.tenantId } : {}),
        ...(caller?.kind === "person" ? { user_telegram_id: caller.telegramId.toString() } : {}),
      },
      "request answered",
    );
  });
}
