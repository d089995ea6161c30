import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { deleteUnusedOwnApiIds } from "../../db/own-api-ids.ts";
import { sessionOfUser } from "../../db/sessions.ts";
import {
  deleteTelegramAccount,
  ensureTelegramAccount,
  findTelegramAccount,
  giveTelegramAccount,
  listTelegramAccounts,
  type TelegramAccount,
} from "../../db/telegram-accounts.ts";
import { addUser, findUser } from "../../db/users.ts";
import type { CodeTickets } from "../../login/tickets.ts";
import { tenantOf } from "../http/access.ts";
import { ApiError, answers } from "../http/errors.ts";
import { loginRate } from "../http/login-rate.ts";
import { refusalOf } from "../http/login-refusals.ts";
import { agreedTo, shownTerms } from "../http/shown-terms.ts";
import { ticketsOf } from "../http/tickets-of.ts";
import type { RouteDeps } from "./deps.ts";
import { passwordParameters, proofFields, proofOf, toPasswordParameters } from "./password-proof.ts";
import { phone, phoneDigits, time } from "./schemas.ts";

type Judged = Awaited<ReturnType<CodeTickets["signIn"]>>;

const ACCOUNTS = "/api/v1/accounts/:account_id/channels/telegram_accounts";
const ofTenant = z.object({ account_id: z.string().max(256).describe("The caller's tenant.") });
const ofAccount = ofTenant.extend({ id: z.string().regex(/^\d{1,18}$/, "an account's id") });

const account = z.object({
  id: z.string(),
  phone_number: z.string(),
  app_id: z.number().int().nullable().describe("The account's own API ID; null: one of ours."),
  telegram_user_id: z.number().int().nullable().describe("Null before the first login."),
  state: z.string().describe("Of its session."),
  created_at: time,
});
const accountBody = z
  .strictObject({
    phone_number: phone,
    app_id: z.number().int().min(1).max(2_147_483_647).optional(),
    app_hash: z
      .string()
      .regex(/^[0-9a-fA-F]{32}$/, "32 hexadecimal digits")
      .optional(),
  })
  .refine((body) => (body.app_id === undefined) === (body.app_hash === undefined), "give app_id and app_hash together");
const passwordBody = z.union([
  z.strictObject({ password: z.string().min(1).max(1_024).describe("Kept nowhere; better send a proof of it.") }),
  z.strictObject(proofFields),
]);
const verdict = z.object({
  message: z.string(),
  account_name: z.string().nullable().optional().describe("Once it is logged in."),
  password_required: z.boolean(),
  password: passwordParameters.optional(),
});

/** Accounts that a tenant's program logs in by phone, step by step. */
export const telegramAccountRoutes: FastifyPluginAsyncZod<RouteDeps> = async (app, deps) => {
  const { database, clock } = deps;
  const tickets = () => ticketsOf(deps);
  const config = { access: ["client"] } as const;
  const sends = { ...config, rateLimit: loginRate(deps.config) };

  type Of = { readonly account_id: string };
  type Asked = Parameters<typeof tenantOf>[0];
  /** Another tenant's accounts are as if they were not there. */
  function tenantIn(request: Asked, { account_id }: Of): string {
    const tenantId = tenantOf(request);
    if (account_id !== tenantId) throw new ApiError(404, "not_found", "there is no such account");
    return tenantId;
  }
  async function accountIn(request: Asked, params: Of & { readonly id: string }) {
    const tenantId = tenantIn(request, params);
    const found = await database.inTenant(tenantId, (tx) => findTelegramAccount(tx, BigInt(params.id)));
    if (!found) throw new ApiError(404, "not_found", "there is no such account");
    return { tenantId, account: found, asker: `tenant:${tenantId}`, what: `telegram account ${found.id}` };
  }
  async function loginIn(what: string): Promise<string> {
    const ticket = await tickets().codes.newest(what);
    if (ticket === null) throw new ApiError(409, "no_code_sent", "no code was sent, or long ago: send one first");
    return ticket;
  }

  app.post(
    ACCOUNTS,
    {
      config,
      schema: {
        summary: "Add an account, to be logged in by phone; with an API ID of its own it goes by that one for good",
        params: ofTenant,
        body: accountBody,
        response: answers({ 200: account }),
      },
    },
    async (request) => {
      const tenantId = tenantIn(request, request.params);
      const { app_id: apiId, app_hash: apiHash } = request.body;
      const digits = phoneDigits(request.body.phone_number);
      const added = await database.inTenant(tenantId, async (tx) => {
        const ownApiId =
          apiId === undefined || apiHash === undefined
            ? null
            : await tickets().keepOwnApiId(tx, { tenantId, apiId, apiHash: apiHash.toLowerCase() });
        const ensured = await ensureTelegramAccount(tx, { tenantId, phone: digits, ownApiId });
        await deleteUnusedOwnApiIds(tx);
        return ensured;
      });
      return toAnswer(added);
    },
  );

  app.get(
    ACCOUNTS,
    {
      config,
      schema: {
        summary: "The tenant's accounts, the oldest first",
        params: ofTenant,
        response: answers({ 200: z.object({ telegram_accounts: z.array(account) }) }),
      },
    },
    async (request) => {
      const tenantId = tenantIn(request, request.params);
      const found = await database.inTenant(tenantId, listTelegramAccounts);
      return { telegram_accounts: found.map(toAnswer) };
    },
  );

  app.get(
    `${ACCOUNTS}/:id`,
    { config, schema: { summary: "One account", params: ofAccount, response: answers({ 200: account }) } },
    async (request) => toAnswer((await accountIn(request, request.params)).account),
  );

  app.post(
    `${ACCOUNTS}/:id/send_code`,
    {
      config: sends,
      schema: {
        summary: "Have Telegram send a login code; asked again, a new login takes the place of the one before",
        params: ofAccount,
        querystring: z.object({ terms: shownTerms }),
        response: answers({ 200: z.object({ message: z.string(), phone_code_hash: z.string() }) }),
      },
    },
    async (request) => {
      const { tenantId, account: of, asker, what } = await accountIn(request, request.params);
      const begun = await tickets().codes.start({
        shown: agreedTo(deps.terms, request.query.terms, "api"),
        ...{ asker, tenantId, what, phone: of.phone, ownApiId: of.ownApiId, telegramId: of.telegramId },
        async admit(tx, who) {
          const { user } = await addUser(tx, who);
          await giveTelegramAccount(tx, of.id, user.id);
          return user;
        },
        // A user of this tenant who is logged in already: the account is theirs, their session goes on.
        provesOnly: (telegramId) =>
          database.inTenant(tenantId, async (tx) => {
            const user = await findUser(tx, telegramId);
            if (!user || (await sessionOfUser(tx, user.id))?.state !== "AUTHORIZED") return false;
            await giveTelegramAccount(tx, of.id, user.id);
            return true;
          }),
      });
      if (!begun) throw refusalOf({ state: "failed", reason: "LOGIN_UNDER_WAY", retryAt: null }, clock.now());
      const { view } = begun;
      if (view.state !== "PENDING_CODE" || !view.code || view.phoneCodeHash === null)
        throw refusalOf(view, clock.now());
      return { message: `the code was sent: ${view.code.type}`, phone_code_hash: view.phoneCodeHash };
    },
  );

  app.post(
    `${ACCOUNTS}/:id/verify_code`,
    {
      config,
      schema: {
        summary: "Give the code that Telegram has sent",
        params: ofAccount,
        body: z.strictObject({ code: z.string().min(1).max(256) }),
        response: answers({ 200: verdict }),
      },
    },
    async (request) => {
      const { asker, what } = await accountIn(request, request.params);
      return told(await tickets().codes.signIn(await loginIn(what), asker, request.body.code.trim()), false);
    },
  );

  app.post(
    `${ACCOUNTS}/:id/verify_password`,
    {
      config,
      schema: {
        summary: "Give the two-step password, or a proof of it",
        params: ofAccount,
        body: passwordBody,
        response: answers({ 200: verdict }),
      },
    },
    async (request) => {
      const { asker, what } = await accountIn(request, request.params);
      const ticket = await loginIn(what);
      const { codes } = tickets();
      return "password" in request.body
        ? told(await codes.tryPassword(ticket, asker, request.body.password), false)
        : told(await codes.prove(ticket, asker, proofOf(request.body)), true);
    },
  );

  app.delete(
    `${ACCOUNTS}/:id`,
    {
      config,
      schema: {
        summary: "Log the account out at Telegram, delete its key here, and forget it",
        params: ofAccount,
        response: answers({
          200: z.object({ ok: z.literal(true) }),
          202: z.object({ ok: z.literal(false), message: z.string() }),
        }),
      },
    },
    async (request, reply) => {
      const { tenantId, account: of, asker, what } = await accountIn(request, request.params);
      const ticket = deps.tickets && (await deps.tickets.codes.newest(what));
      if (ticket) await tickets().codes.cancel(ticket, asker);
      const { userId } = of;
      const session = userId === null ? null : await database.inTenant(tenantId, (tx) => sessionOfUser(tx, userId));
      const lives = session?.state === "AUTHORIZED" || session?.state === "STALE";
      if (lives && !(await deps.revoke(session)))
        return reply.code(202).send({ ok: false, message: "it is being logged out: ask again in a moment" });
      await database.inTenant(tenantId, (tx) => deleteTelegramAccount(tx, of.id));
      return { ok: true as const };
    },
  );

  /** @param isProof a refused proof is answered with the parameters of the next one */
  function told(judged: Judged, isProof: boolean): z.output<typeof verdict> {
    if (!judged) throw new ApiError(409, "no_code_sent", "no code was sent, or long ago: send one first");
    const { view, tried } = judged;
    if (!tried) throw refusalOf({ ...view, reason: null }, clock.now());
    if (view.state === "PENDING_PASSWORD" && view.password && (view.reason === null || isProof))
      return {
        message: view.reason === null ? "the two-step password is asked for" : `it was refused: ${view.reason}`,
        password_required: true,
        password: toPasswordParameters(view.password),
      };
    if (view.state !== "AUTHORIZED") throw refusalOf(view, clock.now());
    return { message: "logged in", account_name: view.accountName, password_required: false };
  }
};

const toAnswer = (of: TelegramAccount): z.output<typeof account> => ({
  id: of.id.toString(),
  phone_number: of.phone,
  app_id: of.apiId,
  telegram_user_id: of.telegramId === null ? null : Number(of.telegramId),
  state: of.state,
  created_at: of.createdAt.toISOString(),
});
