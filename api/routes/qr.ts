import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import encodeQR from "qr";
import { z } from "zod";
import type { TicketView } from "../../login/tickets.ts";
import { unauthenticated } from "../http/access.ts";
import { askerOf } from "../http/asker.ts";
import { ApiError, answers } from "../http/errors.ts";
import { loginRate } from "../http/login-rate.ts";
import { agreedTo, shownTerms } from "../http/shown-terms.ts";
import { ticketsOf } from "../http/tickets-of.ts";
import { saidOf } from "../ticket-words.ts";
import type { RouteDeps } from "./deps.ts";
import { passwordParameters, proofFields, proofOf, toPasswordParameters } from "./password-proof.ts";
import { time } from "./schemas.ts";

/** Modules of a drawn code, in pixels. */
const SCALE = 8;

const ticket = z.string().min(1).max(256);
const image = z.string().describe("The code to scan: a GIF, in base64.");

const startBody = z.strictObject({
  tenant_id: z.string().min(1).max(256).optional().describe("The caller's own, and no other; it may be left out."),
  app_id: z
    .string()
    .regex(/^[\w.-]{1,128}$/, "letters, digits, dots, dashes and underscores")
    .optional()
    .describe("Which of the account's sessions this is to be (user_<telegram_id>); for tenants' programs."),
  terms: shownTerms,
});
const passwordBody = z.union([
  z.strictObject({
    ticket,
    password: z.string().min(1).max(1_024).describe("It is proven here and kept nowhere; better send a proof of it."),
  }),
  z.strictObject({ ticket, ...proofFields }),
]);
const states = z.enum([
  "PENDING_QR",
  "PENDING_PASSWORD",
  "AUTHORIZED",
  "expired",
  "cancelled",
  "wrong_account",
  "failed",
]);

/** Logins by QR code. A ticket is told of to whoever asked for it: a tenant's programs, or one user. */
export const qrRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const tickets = () => ticketsOf(deps);

  app.post(
    "/api/qr/start",
    {
      config: {
        access: ["client", "person"],
        rateLimit: loginRate(deps.config),
      },
      schema: {
        summary: "Begin a login by QR code",
        description: "A tenant's program gets whoever scans; a user must be the one who scans.",
        body: startBody,
        response: answers({
          200: z.object({
            ticket,
            qr_base64: image,
            link: z.string().describe("`tg://login?token=…`, for the phone that the page itself is open on."),
            qr_expires_at: time,
            ttl: z.number().int().describe("Seconds that the ticket lives."),
            tenant_id: z.string(),
            app_id: z.string().nullable(),
          }),
        }),
      },
    },
    async (request) => {
      const { caller } = request;
      if (!caller) throw unauthenticated();
      const { tenant_id: tenantId = caller.tenantId, app_id: appId } = request.body;
      if (tenantId !== caller.tenantId) throw new ApiError(403, "forbidden", "that is another tenant");
      if (appId !== undefined && caller.kind === "person")
        throw new ApiError(400, "invalid_request", "app_id is for tenants' programs");
      const shown = agreedTo(deps.terms, request.body.terms, "api");
      const { ticket, view } = await tickets().start({
        shown,
        asker: askerOf(caller),
        tenantId,
        ...(appId === undefined ? {} : { appId }),
        telegramId: caller.kind === "person" ? caller.telegramId : null,
      });
      if (view.link === null || view.linkExpiresAt === null)
        throw new ApiError(502, "login_failed", `the login could not begin: ${view.reason ?? view.state}`);
      return {
        ...{ ticket, qr_base64: drawn(view.link), link: view.link, qr_expires_at: view.linkExpiresAt.toISOString() },
        ttl: Math.max(0, Math.round((view.endsAt.getTime() - deps.clock.now()) / 1_000)),
        ...{ tenant_id: view.tenantId, app_id: view.appId },
      };
    },
  );

  app.get(
    "/api/qr/status",
    {
      config: { access: ["client", "person"] },
      schema: {
        summary: "How a login by QR code stands",
        querystring: z.strictObject({ ticket }),
        response: answers({
          200: z.object({
            state: states,
            telegram_user_id: z.number().int().nullable(),
            requires_password: z.boolean(),
            qr_base64: image.optional(),
            link: z.string().optional(),
            qr_expires_at: time.optional(),
            password: passwordParameters.optional(),
            reason: z.string().optional().describe("Why a password was refused, or the login failed."),
            tenant_id: z.string(),
            app_id: z.string().nullable(),
          }),
        }),
      },
    },
    async (request) => {
      const view = await tickets().status(request.query.ticket, askerOf(request.caller));
      return statusOf(known(view));
    },
  );

  app.post(
    "/api/qr/password",
    {
      config: { access: ["client", "person"] },
      schema: {
        summary: "Give the two-step password that a login by QR code asks for, or a proof of it",
        body: passwordBody,
        response: answers({ 200: z.object({ status: states, message: z.string() }) }),
      },
    },
    async ({ body, caller: anybody }) => {
      const asker = askerOf(anybody);
      const before = known(await tickets().status(body.ticket, asker));
      if (before.state !== "PENDING_PASSWORD")
        throw new ApiError(409, "no_password_asked", `no password is asked for: ${saidOf(before)}`);
      const view =
        "password" in body
          ? await tickets().tryPassword(body.ticket, asker, body.password)
          : await tickets().prove(body.ticket, asker, proofOf(body));
      const after = known(view);
      return { status: after.state, message: saidOf(after) };
    },
  );
};

function known(view: TicketView | null): TicketView {
  if (!view) throw new ApiError(404, "not_found", "there is no such ticket");
  return view;
}

const drawn = (link: string): string => Buffer.from(encodeQR(link, "gif", { scale: SCALE })).toString("base64");

function statusOf(view: TicketView) {
  const { password: asked } = view;
  return {
    state: view.state,
    telegram_user_id: view.telegramId === null ? null : Number(view.telegramId),
    requires_password: view.state === "PENDING_PASSWORD",
    ...(view.link === null ? {} : { qr_base64: drawn(view.link), link: view.link }),
    ...(view.linkExpiresAt === null ? {} : { qr_expires_at: view.linkExpiresAt.toISOString() }),
    ...(asked === null ? {} : { password: toPasswordParameters(asked) }),
    ...(view.reason === null ? {} : { reason: view.reason }),
    ...{ tenant_id: view.tenantId, app_id: view.appId },
  };
}
