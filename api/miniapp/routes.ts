import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { TicketView } from "../../login/tickets.ts";
import { userOfAsker } from "../http/asker.ts";
import { createFindCaller } from "../http/callers.ts";
import { ApiError, answers } from "../http/errors.ts";
import { loginRate } from "../http/login-rate.ts";
import { agreedBy, shownTerms } from "../http/shown-terms.ts";
import { ticketsOf } from "../http/tickets-of.ts";
import type { RouteDeps } from "../routes/deps.ts";
import { passwordParameters, proofFields, proofOf, toPasswordParameters } from "../routes/password-proof.ts";
import { time } from "../routes/schemas.ts";
import { createPageAssets } from "./assets.ts";
import { ASSETS, CONTENT_SECURITY_POLICY, documentOf } from "./document.ts";
import { heldBy } from "./possession.ts";

const session_id = z.string().min(1).max(256).describe("A ticket: who has it may ask about it.");
const pageStatus = z.object({
  status: z.enum([
    "not_found",
    "PENDING_QR",
    "PENDING_PASSWORD",
    "AUTHORIZED",
    "expired",
    "cancelled",
    "wrong_account",
    "failed",
  ]),
  qr_link: z.string().optional().describe("`tg://login?token=…`, to be drawn or opened."),
  qr_expires_at: time.optional(),
  qr_seconds_left: z.number().optional().describe("The same by this server's clock."),
  password: passwordParameters.optional(),
  reason: z.string().optional().describe("Why a password was refused, or the login failed."),
});
const NOT_FOUND = { status: "not_found" } as const;
const YEAR_SECONDS = 31_536_000;

/** The page on which people log in by QR code, in Telegram or in a browser, and what its script asks. */
export const miniAppRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const { database, clock, trust, config, terms } = deps;
  const assets = createPageAssets();
  const findCaller = createFindCaller({ database, clock, trust, admins: config.admins });
  const tickets = () => ticketsOf(deps);

  app.get(
    "/qr-auth",
    {
      config: { access: "anyone" },
      schema: {
        summary: "The page on which a person logs in: `?session_id=<ticket>`",
        description: "HTML, the same for every ticket; made for Telegram's Mini Apps, and any browser.",
        response: answers({ 200: z.string() }),
      },
    },
    async (_request, reply) => {
      reply.type("text/html; charset=utf-8").header("content-security-policy", CONTENT_SECURITY_POLICY);
      // It would keep Telegram's web client from showing the page, whatever frame-ancestors says.
      reply.removeHeader("x-frame-options");
      return reply.send(documentOf(await assets(), terms));
    },
  );

  app.get(
    `${ASSETS}/:name`,
    {
      config: { access: "anyone" },
      schema: {
        summary: "The page's script and style",
        description: "Under names that change with what is in them: to be kept for good.",
        params: z.object({ name: z.string().max(64) }),
        response: answers({ 200: z.string() }),
      },
    },
    async (request, reply) => {
      const asset = Object.values(await assets()).find(({ name }) => name === request.params.name);
      if (!asset) throw new ApiError(404, "not_found", "the page has changed: load it again");
      reply.type(asset.type).header("cache-control", `public, max-age=${YEAR_SECONDS}, immutable`);
      return reply.send(asset.body);
    },
  );

  app.get(
    "/qr-auth-status",
    {
      config: { access: "anyone" },
      schema: {
        summary: "How a login by QR code stands, for its page",
        description:
          "By possession of the ticket alone. With `Authorization: tma <initData>` the ticket must be that user's, " +
          "unless a tenant's program asked for it. `terms` says which text the page shows beside the code.",
        querystring: z.looseObject({ session_id, terms: shownTerms }),
        response: answers({ 200: pageStatus }),
      },
    },
    async (request) => {
      const { session_id: ticket, terms: sha256 } = request.query;
      const asker = await heldBy(request, ticket, { tickets: tickets(), findCaller });
      // The page asks anew all the time: what it shows is told with it, so that no lost request loses it.
      const text = sha256 === undefined ? null : terms.find(sha256);
      if (asker !== null && text) await tickets().show(ticket, asker, agreedBy(text, "page"));
      const view = asker === null ? null : await tickets().status(ticket, asker);
      return view === null ? NOT_FOUND : statusOf(view, clock.now());
    },
  );

  app.post(
    "/qr-auth/password",
    {
      config: { access: "anyone" },
      schema: {
        summary: "Give a proof of the two-step password that a login asks for, from its page",
        body: z.strictObject({ session_id, ...proofFields }),
        response: answers({ 200: pageStatus }),
      },
    },
    async (request) => {
      const { session_id: ticket } = request.body;
      const asker = await heldBy(request, ticket, { tickets: tickets(), findCaller });
      const before = known(asker === null ? null : await tickets().status(ticket, asker));
      if (asker === null || before.state !== "PENDING_PASSWORD")
        throw new ApiError(409, "no_password_asked", "no password is asked for");
      return statusOf(known(await tickets().prove(ticket, asker, proofOf(request.body))), clock.now());
    },
  );

  app.post(
    "/qr-auth/renew",
    {
      config: { access: "anyone", rateLimit: loginRate(config) },
      schema: {
        summary: "Begin a login anew for the user whose ticket has ended without one",
        description: "By possession of a user's ticket, while it can be asked about: five minutes from its end.",
        body: z.strictObject({ session_id }),
        response: answers({ 200: z.object({ session_id }) }),
      },
    },
    async (request) => {
      const { session_id: ticket } = request.body;
      const asker = await heldBy(request, ticket, { tickets: tickets(), findCaller });
      const purpose = asker === null ? null : await tickets().purpose(ticket);
      if (asker === null || !purpose) throw new ApiError(404, "not_found", "there is no such ticket");
      const { tenantId, telegramId, state } = purpose;
      if (userOfAsker(asker) === null)
        throw new ApiError(403, "forbidden", "this link cannot be renewed: ask for a new one where it came from");
      if (["PENDING_QR", "PENDING_PASSWORD", "AUTHORIZED"].includes(state))
        throw new ApiError(409, "not_ended", "this login has not ended, or has succeeded");
      return { session_id: (await tickets().start({ asker, tenantId, telegramId })).ticket };
    },
  );
};

function known(view: TicketView | null): TicketView {
  if (!view) throw new ApiError(404, "not_found", "there is no such ticket");
  return view;
}

function statusOf(view: TicketView, now: number): z.output<typeof pageStatus> {
  const { link, linkExpiresAt, password, reason } = view;
  return {
    status: view.state,
    ...(link === null ? {} : { qr_link: link }),
    ...(linkExpiresAt === null
      ? {}
      : {
          qr_expires_at: linkExpiresAt.toISOString(),
          qr_seconds_left: Math.max(0, (linkExpiresAt.getTime() - now) / 1_000),
        }),
    ...(password === null ? {} : { password: toPasswordParameters(password) }),
    // What is said of another account that came is not for whoever has the ticket.
    ...(reason === null || view.state === "wrong_account" ? {} : { reason }),
  };
}
