import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Agreed } from "../../db/consents.ts";
import { inviteRefusal } from "../../db/invites.ts";
import { findUser } from "../../db/users.ts";
import { webAdmission } from "../../db/web-admission.ts";
import { createWebSession } from "../../db/web-sessions.ts";
import type { CodeTicketView } from "../../login/tickets.ts";
import { BOT_TENANT, createFindCaller } from "../http/callers.ts";
import { ApiError, answers, tooManyRequests } from "../http/errors.ts";
import { loginRate } from "../http/login-rate.ts";
import { refusalOf } from "../http/login-refusals.ts";
import { agreedTo, shownTerms } from "../http/shown-terms.ts";
import { ticketsOf } from "../http/tickets-of.ts";
import { setWebCookie } from "../http/web-cookie.ts";
import { heldBy } from "../miniapp/possession.ts";
import type { RouteDeps } from "./deps.ts";
import { passwordParameters, proofFields, proofOf, toPasswordParameters } from "./password-proof.ts";
import { phoneDigits, phone as phoneSchema, time } from "./schemas.ts";

/** Whose tickets of web logins are: whoever has one has begun the login. */
const WEB = "web";

const ticket = z.string().min(1).max(256);
const code = z
  .string()
  .min(1)
  .max(256)
  .transform((text) => text.trim())
  .describe("As Telegram has sent it.");
const password = z
  .string()
  .min(1)
  .max(1_024)
  .describe("It is proven here and kept nowhere; better send a proof of it: srp_id, A and M1.");
const verifyBody = z.union([
  z.strictObject({ ticket, code, password: password.optional() }),
  z.strictObject({ ticket, password }),
  z.strictObject({ ticket, ...proofFields }),
]);
const sentCode = z.object({
  type: z.string().describe("Where the code went: app, sms, call, …"),
  length: z.number().int().nullable(),
  next_type: z.string().nullable().describe("How it goes when it is sent again."),
  resend_at: time.nullable().describe("From when on it may be sent again; null where it may not."),
});
const verdict = z.object({
  status: z.enum(["AUTHORIZED", "PENDING_PASSWORD"]),
  message: z.string(),
  password: passwordParameters.optional(),
});

/** Logins by phone and code, by possession of their ticket: of a QR ticket's asker, or of a browser. */
export const codeLoginRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const { database, clock, trust, config } = deps;
  const findCaller = createFindCaller({ database, clock, trust, admins: config.admins });
  const tickets = () => ticketsOf(deps);
  /** Of a ticket that whoever has it may use. */
  async function known(id: string): Promise<{ asker: string; view: CodeTicketView }> {
    const asker = await tickets().askerOf(id);
    const view = asker === null ? null : await tickets().codes.status(id, asker);
    if (asker === null || !view) throw new ApiError(404, "not_found", "there is no such ticket");
    return { asker, view };
  }

  app.post(
    "/api/login/code",
    {
      config: { access: "anyone", rateLimit: loginRate(config) },
      schema: {
        summary: "Begin a login by phone: Telegram sends a code",
        description:
          "With `session_id` (a QR ticket) it is a login of the ticket's user, and takes the place of the one by QR code. " +
          "Without it a browser logs in as the account whose phone it is: a user's, or with an invite a new one's.",
        body: z.strictObject({
          phone: phoneSchema,
          session_id: ticket.optional(),
          invite: z.string().trim().min(1).max(256).optional(),
          terms: shownTerms,
        }),
        response: answers({
          200: z.object({ ticket, code: sentCode, ttl: z.number().int().describe("Seconds that the ticket lives.") }),
        }),
      },
    },
    async (request) => {
      const { session_id: sessionId, invite } = request.body;
      const shown = agreedTo(deps.terms, request.body.terms, "api");
      const phone = phoneDigits(request.body.phone);
      const begun =
        sessionId === undefined
          ? await startForBrowser(phone, invite, shown)
          : await startFor(
              await heldBy(request, sessionId, { tickets: tickets(), findCaller }),
              sessionId,
              phone,
              shown,
            );
      if (!begun) throw refusalOf({ state: "failed", reason: "LOGIN_UNDER_WAY", retryAt: null }, clock.now());
      const { view } = begun;
      if (view.state !== "PENDING_CODE" || !view.code) throw refusalOf(view, clock.now());
      const ttl = Math.max(0, Math.round((view.endsAt.getTime() - clock.now()) / 1_000));
      return { ticket: begun.ticket, code: told(view.code), ttl };
    },
  );

  /** The login of whoever a QR ticket was asked for; that ticket is over, but may be begun from again. */
  async function startFor(asker: string | null, sessionId: string, phone: string, shown: Agreed | null) {
    const purpose = asker === null ? null : await tickets().purpose(sessionId);
    if (asker === null || !purpose) throw new ApiError(404, "not_found", "there is no such ticket");
    const { tenantId, telegramId, appId, state } = purpose;
    const isOpen = state === "PENDING_QR" || state === "PENDING_PASSWORD" || state === "cancelled";
    if (!isOpen || purpose.endsAt.getTime() <= clock.now())
      throw new ApiError(409, "ticket_ended", "this ticket has ended: begin a new login");
    await tickets().cancel(sessionId, asker);
    return tickets().codes.start({
      ...{ asker, tenantId, telegramId, phone, shown: shown ?? purpose.shown },
      ...(appId === null ? {} : { appId }),
      ...(telegramId === null ? { what: `instead of ${sessionId}` } : {}),
    });
  }

  async function startForBrowser(phone: string, invite: string | undefined, shown: Agreed | null) {
    // Who it is, is not known yet: only a code that nobody has is refused before Telegram sends anything.
    const refused =
      invite === undefined
        ? null
        : await database.inTenant(BOT_TENANT, (tx) =>
            inviteRefusal(tx, { tenantId: BOT_TENANT, userId: null }, invite),
          );
    if (refused === "unknown")
      throw refusalOf({ state: "failed", reason: "INVITE_UNKNOWN", retryAt: null }, clock.now());
    return tickets().codes.start({
      ...{ asker: WEB, tenantId: BOT_TENANT, telegramId: null, phone, shown },
      ...webAdmission(database, BOT_TENANT, invite),
    });
  }

  app.post(
    "/api/login/code/resend",
    {
      config: { access: "anyone", rateLimit: loginRate(config) },
      schema: {
        summary: "Have the code sent again, by the next way that Telegram has",
        body: z.strictObject({ ticket }),
        response: answers({ 200: z.object({ code: sentCode }) }),
      },
    },
    async ({ body }) => {
      const { asker, view: before } = await known(body.ticket);
      if (before.state !== "PENDING_CODE" || !before.code) throw refusalOf({ ...before, reason: null }, clock.now());
      const { resendAt } = before.code;
      if (!resendAt) throw refusalOf({ ...before, reason: "SEND_CODE_UNAVAILABLE" }, clock.now());
      const early = resendAt.getTime() - clock.now();
      if (early > 0) throw tooManyRequests(early / 1_000, "the code may still come: wait before it is sent again");
      const judged = await tickets().codes.resend(body.ticket, asker);
      if (!judged?.tried || !judged.view.code || judged.view.reason !== null)
        throw refusalOf(judged?.view ?? before, clock.now());
      return { code: told(judged.view.code) };
    },
  );

  app.post(
    "/api/login/code/verify",
    {
      config: { access: "anyone" },
      schema: {
        summary: "Give the code, then the two-step password or a proof of it where the account has one",
        description:
          "Of a browser's login the last answer sets the cookie auth_token. A proof that is refused is answered with the " +
          "parameters of the next one.",
        body: verifyBody,
        response: answers({ 200: verdict }),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const { asker, view: before } = await known(body.ticket);
      const { codes } = tickets();
      let judged =
        "srp_id" in body
          ? await codes.prove(body.ticket, asker, proofOf(body))
          : "code" in body && before.state !== "PENDING_PASSWORD"
            ? await codes.signIn(body.ticket, asker, body.code)
            : await codes.tryPassword(body.ticket, asker, body.password ?? "");
      const asksPassword = judged?.tried && judged.view.state === "PENDING_PASSWORD" && judged.view.reason === null;
      if (asksPassword && "password" in body && body.password !== undefined)
        judged = await codes.tryPassword(body.ticket, asker, body.password);
      if (!judged?.tried) throw refusalOf({ ...(judged?.view ?? before), reason: null }, clock.now());
      const { view } = judged;
      if (view.state === "PENDING_PASSWORD" && view.password && (view.reason === null || "srp_id" in body)) {
        const message = view.reason === null ? "the two-step password is asked for" : `it was refused: ${view.reason}`;
        return { status: view.state, message, password: toPasswordParameters(view.password) };
      }
      if (view.state !== "AUTHORIZED" || view.telegramId === null) throw refusalOf(view, clock.now());
      if (asker === WEB) {
        setWebCookie(reply, await logBrowserIn(view.telegramId));
        const event = "SESSION_CREATE";
        request.log.info({ event, user_telegram_id: view.telegramId.toString() }, `[${event}] web login created`);
      }
      return { status: view.state, message: "logged in" };
    },
  );

  async function logBrowserIn(telegramId: bigint): Promise<string> {
    return database.inTenant(BOT_TENANT, async (tx) => {
      const user = await findUser(tx, telegramId);
      if (!user) throw refusalOf({ state: "failed", reason: "UNKNOWN_USER", retryAt: null }, clock.now());
      return (await createWebSession(tx, { tenantId: user.tenantId, userId: user.id })).token;
    });
  }
};

const told = ({ type, length, nextType, resendAt }: NonNullable<CodeTicketView["code"]>) => ({
  ...{ type, length, next_type: nextType },
  resend_at: resendAt?.toISOString() ?? null,
});
