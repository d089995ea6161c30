import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { RouteDeps } from "./deps.ts";

/** The OpenAPI document of what is registered: `api/openapi.json`, as a test holds. */
export const docsRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app) => {
  app.get("/docs", { config: { access: "anyone" }, schema: { hide: true } }, async (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(JSON.stringify(app.swagger(), null, 2)),
  );
};
