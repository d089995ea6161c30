import type { FastifyInstance } from "fastify";
import { isRedisAway } from "../../runtime/redis-away.ts";
import { ApiError, answerTo } from "../http/errors.ts";
import { SIGN_IN_FIRST } from "./guard.ts";
import { noticePage, PAGE_POLICY, SIGN_IN } from "./pages.ts";

/** Redis did not say which queues there are. */
export class QueuesAway extends Error {
  override name = "QueuesAway";
}

const AWAY = new ApiError(503, "unavailable", "Redis does not answer: the queues cannot be looked at until it does", {
  "retry-after": "5",
});
const OURS = new ApiError(500, "internal", "This went wrong here, not with you: it is in our log");

const TITLES: Readonly<Record<number, string>> = { 403: "Not for everybody", 429: "Too often", 503: "Not now" };

/** Errors as pages where people look at them, and in the words that Bull Board's page shows where that has asked. */
export function handleBoardErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = error instanceof QueuesAway || isRedisAway(error) ? AWAY : (answerTo(error) ?? OURS);
    if (answer.status >= 500) request.log.error({ err: error, route: request.routeOptions.url }, "request failed");
    if (!request.routeOptions.config.page)
      return reply.code(answer.status).headers(answer.headers).send({ error: answer.message, code: answer.code });
    if (answer === SIGN_IN_FIRST) return reply.redirect(SIGN_IN, 303);
    return reply
      .code(answer.status)
      .headers(answer.headers)
      .header("content-security-policy", PAGE_POLICY)
      .type("text/html; charset=utf-8")
      .send(noticePage(TITLES[answer.status] ?? "This did not work", sentence(answer.message)));
  });
}

const sentence = (message: string): string => `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
