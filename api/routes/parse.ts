import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { askForParse } from "../../db/parse-at-will.ts";
import { personOf } from "../http/access.ts";
import { ApiError, answers, tooManyRequests } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";

export const parseRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { database, clock }) => {
  app.post(
    "/api/parse",
    {
      config: { access: ["person"] },
      schema: {
        summary: "Read this user's channels now",
        description: "In the turn of the user's plan, and at most once a minute.",
        response: answers({
          202: z.object({ status: z.enum(["due", "under_way"]).describe("under_way: a parse had begun already.") }),
        }),
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = personOf(request);
      const asked = await database.inTenant(tenantId, (tx) => askForParse(tx, userId, clock.now()));
      if (asked.kind === "not_parsable")
        throw new ApiError(409, "not_parsable", "nothing can be read for you now: log in to Telegram, or resume");
      if (asked.kind === "too_soon")
        throw tooManyRequests(asked.retryMs / 1_000, "your channels were read a moment ago: wait");
      return reply.code(202).send({ status: asked.kind });
    },
  );
};
