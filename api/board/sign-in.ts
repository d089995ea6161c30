import type { FastifyPluginAsync, FastifyReply } from "fastify";
import { ApiError } from "../http/errors.ts";
import { clearBoardCookie, setBoardCookie } from "./cookie.ts";
import { operatorOf } from "./guard.ts";
import { NOT_SET_UP, type Operators, SIGNED_IN_MS } from "./operators.ts";
import { ACCOUNT, accountPage, BOARD, PAGE_POLICY, SIGN_IN, SIGN_OUT, signInPage } from "./pages.ts";
import { isInClear } from "./same-origin.ts";
import { STYLE, STYLE_URL } from "./style.ts";

const FORM = "application/x-www-form-urlencoded";
const LONGEST_FORM = 8_192;

/** Signing in at the board and out, by forms that need no script. */
export const signInRoutes: FastifyPluginAsync<{ readonly operators: Operators }> = async (app, { operators }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(FORM, { parseAs: "string", bodyLimit: LONGEST_FORM }, (_request, body, done) =>
    done(null, new URLSearchParams(String(body))),
  );
  const sendPage = (reply: FastifyReply, html: string) =>
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", PAGE_POLICY)
      // Else a form's request says "null" for where it is from.
      .header("referrer-policy", "same-origin")
      .send(html);

  app.get(STYLE_URL, { config: { access: "anyone" }, schema: { hide: true } }, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").send(STYLE),
  );

  app.get(SIGN_IN, { config: { access: "anyone", page: true }, schema: { hide: true } }, async (request, reply) => {
    if (!operators.hasUsers || (await operators.find(request))) return reply.redirect(BOARD, 303);
    return sendPage(reply, signInPage(null));
  });

  app.post(SIGN_IN, { config: { access: "anyone", page: true }, schema: { hide: true } }, async (request, reply) => {
    if (!operators.hasUsers) throw NOT_SET_UP;
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const name = (form.get("name") ?? "").trim().slice(0, 64);
    const again = (status: number, problem: string) => sendPage(reply.code(status), signInPage(problem, name));
    if (isInClear(request))
      return again(400, "This page came by http: a password would be read on its way. Open it by https.");
    const attempt = { operator: operators.known(name), from: request.ip };
    try {
      const signedIn = await operators.signIn(name, (form.get("password") ?? "").slice(0, 1_024), request.ip);
      if (!signedIn) {
        request.log.warn({ ...attempt, event: "BOARD_SIGN_IN_REFUSED" }, "sign-in at the queues' board refused");
        return again(401, "Name and password do not belong together.");
      }
      setBoardCookie(reply, signedIn.token, SIGNED_IN_MS);
      request.log.info(
        { ...attempt, event: "BOARD_SIGN_IN", role: signedIn.user.role },
        "signed in at the queues' board",
      );
      return reply.redirect(BOARD, 303);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 429) throw error;
      request.log.warn({ ...attempt, event: "BOARD_SIGN_IN_HELD" }, "too many sign-ins at the queues' board");
      reply.headers(error.headers);
      return again(429, "Too many tries. Wait a quarter of an hour.");
    }
  });

  app.get(ACCOUNT, { config: { access: "board-viewer", page: true }, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, accountPage(operatorOf(request))),
  );

  app.post(
    SIGN_OUT,
    { config: { access: "board-viewer", page: true }, schema: { hide: true } },
    async (request, reply) => {
      await operators.signOut(request);
      clearBoardCookie(reply);
      return reply.redirect(SIGN_IN, 303);
    },
  );
};
