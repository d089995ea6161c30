import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { planInForce } from "../../config/plans.ts";
import { askErasure } from "../../db/erase-user.ts";
import { loadSchedule } from "../../db/schedules.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import { findUser } from "../../db/users.ts";
import { webSessionsOf } from "../../db/web-sessions.ts";
import { personOf, unauthenticated } from "../http/access.ts";
import { answers } from "../http/errors.ts";
import type { RouteDeps } from "./deps.ts";
import { time } from "./schemas.ts";

const me = z.object({
  telegram_id: z.number().int(),
  tenant_id: z.string(),
  admin: z.boolean(),
  plan: z.enum(["premium", "trial", "free"]).describe("The plan in force."),
  paid_until: time.nullable(),
  trial_expires_at: time.nullable(),
  paused: z.boolean(),
  session_state: z.string().describe("Of the Telegram session that reads the channels."),
  next_parse_at: time.nullable(),
});

const webSession = z.object({
  id: z.string(),
  created_at: time,
  last_seen_at: time.describe("To the minute."),
  current: z.boolean(),
});

export const meRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, { database, clock }) => {
  app.get(
    "/api/me",
    { config: { access: ["person"] }, schema: { summary: "Who is logged in", response: answers({ 200: me }) } },
    async (request) => {
      const { tenantId, telegramId, admin } = personOf(request);
      return database.inTenant(tenantId, async (tx) => {
        const user = await findUser(tx, telegramId);
        if (!user) throw unauthenticated("this user is here no longer");
        const session = await sessionOfUser(tx, user.id);
        const schedule = await loadSchedule(tx, user.id);
        return {
          telegram_id: Number(telegramId),
          tenant_id: tenantId,
          admin,
          plan: planInForce(user, new Date(clock.now())),
          paid_until: user.paidUntil?.toISOString() ?? null,
          trial_expires_at: user.trialExpiresAt?.toISOString() ?? null,
          paused: user.paused,
          session_state: session?.state ?? "ABSENT",
          next_parse_at: schedule?.nextParseAt.toISOString() ?? null,
        };
      });
    },
  );

  app.delete(
    "/api/me",
    {
      config: { access: ["person"] },
      schema: {
        summary: "Erase who is logged in: logged out at Telegram, then deleted with everything of theirs",
        response: answers({ 202: z.object({ ok: z.literal(true), message: z.string() }) }),
      },
    },
    async (request, reply) => {
      const { tenantId, telegramId } = personOf(request);
      await database.inTenant(tenantId, async (tx) => {
        const user = await findUser(tx, telegramId);
        if (user) await askErasure(tx, user);
      });
      return reply.code(202).send({ ok: true, message: "you are being logged out, and erased once that is done" });
    },
  );

  app.get(
    "/api/sessions",
    {
      config: { access: ["person"] },
      schema: {
        summary: "The browsers that are logged in as this user, the newest first",
        response: answers({ 200: z.object({ sessions: z.array(webSession) }) }),
      },
    },
    async (request) => {
      const { tenantId, userId, webSessionId } = personOf(request);
      const sessions = await database.inTenant(tenantId, (tx) => webSessionsOf(tx, userId));
      return {
        sessions: sessions.map(({ id, createdAt, lastSeenAt }) => ({
          id: id.toString(),
          created_at: createdAt.toISOString(),
          last_seen_at: lastSeenAt.toISOString(),
          current: id === webSessionId,
        })),
      };
    },
  );
};
