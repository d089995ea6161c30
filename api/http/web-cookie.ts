import type { FastifyReply, FastifyRequest } from "fastify";

/** The cookie of a web login. */
export const WEB_COOKIE = "auth_token";

/** Browsers keep no cookie for longer than 400 days. */
const KEPT_SECONDS = 400 * 86_400;
// Lax: a link from Telegram to a page of ours finds the person logged in; no other site's form or script does.
const ATTRIBUTES = { path: "/", httpOnly: true, secure: true, sameSite: "lax" } as const;

/** The token in the request's cookie, null where there is none. */
export const webToken = (request: FastifyRequest): string | null => request.cookies[WEB_COOKIE] || null;

export function setWebCookie(reply: FastifyReply, token: string): void {
  reply.setCookie(WEB_COOKIE, token, { ...ATTRIBUTES, maxAge: KEPT_SECONDS });
}

export function clearWebCookie(reply: FastifyReply): void {
  reply.clearCookie(WEB_COOKIE, ATTRIBUTES);
}
