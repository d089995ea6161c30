import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { loadSchedule, makeDue } from "../../db/schedules.ts";
import { personOf } from "../http/access.ts";
import { ApiError, answers, tooManyRequests } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";

/** A parse at will is no way around the plan's interval for long: one a minute. */
const AT_MOST_EVERY_MS = 60_000;

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
      const status = await database.inTenant(tenantId, async (tx) => {
        const schedule = await loadSchedule(tx, userId);
        if (!schedule?.queue)
          throw new ApiError(409, "not_parsable", "nothing can be read for you now: log in to Telegram, or resume");
        if (schedule.claimedAt) return "under_way" as const;
        const sinceMs = clock.now() - (schedule.lastStartedAt?.getTime() ?? 0);
        if (sinceMs >= 0 && sinceMs < AT_MOST_EVERY_MS)
          throw tooManyRequests((AT_MOST_EVERY_MS - sinceMs) / 1_000, "your channels were read a moment ago: wait");
        await makeDue(tx, [userId]);
        return "due" as const;
      });
      return reply.code(202).send({ status });
    },
  );
};
