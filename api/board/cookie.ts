import type { FastifyReply, FastifyRequest } from "fastify";

export const BOARD_COOKIE = "board_session";

// Browsers take localhost for secure too.
const ATTRIBUTES = { path: "/queues", httpOnly: true, secure: true, sameSite: "strict" } as const;

/** The token in the request's cookie, null where there is none. */
export const boardToken = (request: FastifyRequest): string | null => request.cookies[BOARD_COOKIE] || null;

export function setBoardCookie(reply: FastifyReply, token: string, forMs: number): void {
  reply.setCookie(BOARD_COOKIE, token, { ...ATTRIBUTES, maxAge: Math.floor(forMs / 1_000) });
}

export function clearBoardCookie(reply: FastifyReply): void {
  reply.clearCookie(BOARD_COOKIE, ATTRIBUTES);
}
