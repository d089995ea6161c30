import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { answers } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";

const count = z.number().int();
const fleetStatus = z.object({
  users: count,
  schedules: z.object({ due: count, inFlight: count, late: count, schedulable: count }),
  waits: z.object({ waits: count, accounts: count }),
  queues: z.array(
    z.object({
      queue: z.string(),
      paused: z.boolean(),
      waiting: count,
      delayed: count,
      parked: count,
      active: count,
      failed: count,
      completed: count,
    }),
  ),
});

export const statusRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { status }) => {
  app.get(
    "/api/status",
    {
      config: { access: ["admin"] },
      schema: { summary: "The fleet at a glance, for admins", response: answers({ 200: fleetStatus }) },
    },
    async () => {
      const { queues, ...counts } = await status();
      return { ...counts, queues: [...queues] };
    },
  );
};
