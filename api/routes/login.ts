import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { admit, NotAdmitted } from "../../db/admission.ts";
import type { TenantTx } from "../../db/database.ts";
import { noteVisit } from "../../db/sessions.ts";
import type { User } from "../../db/users.ts";
import { createWebSession, deleteWebSession } from "../../db/web-sessions.ts";
import { BOT_TENANT, provenBy } from "../http/callers.ts";
import { ApiError, answers } from "../http/errors.ts";
import { loginRate } from "../http/login-rate.ts";
import { clearWebCookie, setWebCookie, webToken } from "../http/web-cookie.ts";
import { verifyInitData } from "../proof/init-data.ts";
import { verifyLoginWidget } from "../proof/login-widget.ts";
import type { RouteDeps } from "./deps.ts";

const loginBody = z
  .strictObject({
    init_data: z.string().min(1).max(8_192).optional().describe("A Mini App's initData, as Telegram gave it."),
    login: z
      .record(z.string().max(64), z.union([z.string().max(2_048), z.number()]))
      .optional()
      .describe("What the Telegram Login widget gave."),
    invite: z.string().trim().min(1).max(256).optional().describe("An invite code, for an account that is new here."),
  })
  .refine((body) => (body.init_data === undefined) !== (body.login === undefined), "give one of init_data and login");

const REFUSALS = {
  unknown: "this invite code is not known",
  revoked: "this invite was taken back",
  expired: "this invite has expired",
  used_up: "this invite has been used",
} as const;

export const loginRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const { database, clock, trust } = deps;

  app.post(
    "/api/login/telegram",
    {
      config: {
        access: "anyone",
        rateLimit: loginRate(deps.config),
      },
      schema: {
        summary: "Log a browser in as a Telegram account: sets the cookie auth_token",
        description: "What proves the account must be at most five minutes old.",
        body: loginBody,
        response: answers({ 200: z.object({ ok: z.literal(true), telegram_id: z.number().int() }) }),
      },
    },
    async (request, reply) => {
      const { init_data: initData, login, invite } = request.body;
      const { telegramId } = provenBy(() =>
        initData === undefined
          ? verifyLoginWidget(login ?? {}, trust.botToken, clock.now())
          : verifyInitData(initData, trust, clock.now()),
      );
      const { token } = await database.inTenant(BOT_TENANT, async (tx) => {
        const user = await userFor(tx, telegramId, invite);
        await noteVisit(tx, user.id);
        return createWebSession(tx, { tenantId: user.tenantId, userId: user.id });
      });
      const event = "SESSION_CREATE";
      request.log.info({ event, user_telegram_id: telegramId.toString() }, `[${event}] web login created`);
      setWebCookie(reply, token);
      return { ok: true as const, telegram_id: Number(telegramId) };
    },
  );

  await app.register(async (scope) => {
    // Whatever comes with it: a logout is a logout.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, payload, done) => {
      payload.resume();
      done(null);
    });
    scope.post(
      "/api/logout",
      {
        config: { access: "anyone" },
        // Before anything that can fail.
        onRequest: async (_request, reply) => clearWebCookie(reply),
        schema: {
          summary: "Log this browser out: clears the cookie, whatever it held",
          response: answers({ 200: z.object({ ok: z.literal(true) }) }),
        },
      },
      async (request) => {
        const token = webToken(request);
        const deleted = token === null ? null : await database.asApp((tx) => deleteWebSession(tx, token));
        const event = "SESSION_DELETE";
        request.log.info(
          { event, deleted },
          `[${event}] ${deleted ? "web login ended" : "there was no such web login"}`,
        );
        return { ok: true as const };
      },
    );
  });
};

/** The user with this account; with a code that opens something, a new one. @throws ApiError 403 */
async function userFor(tx: TenantTx, telegramId: bigint, invite: string | undefined): Promise<User> {
  try {
    return await admit(tx, { tenantId: BOT_TENANT, telegramId }, invite);
  } catch (error) {
    if (!(error instanceof NotAdmitted)) throw error;
    // Thrown on, so that a user who was made for this is none.
    throw error.refusal === "unknown_user"
      ? new ApiError(403, "unknown_user", "this Telegram account is no user here: it needs an invite")
      : new ApiError(403, "invite_refused", REFUSALS[error.refusal]);
  }
}
