import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { currentSpan } from "../../runtime/tracing.ts";
import { ApiError, answerTo, INTERNAL } from "./errors.ts";

/** Makes `{error: {code, message}}` of everything that fails; what is a mistake of ours is logged, never told. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = answerTo(error);
    if (!answer || answer.status >= 500) {
      currentSpan().fail(error);
      request.log.error({ err: error, route: request.routeOptions.url }, "request failed");
    }
    if (!answer) return reply.code(500).send(INTERNAL);
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, () => {
    throw new ApiError(404, "not_found", "there is nothing at this address with this method");
  });
}

/** The answer to what is no HTTP at all, or too slow, or has headers without end. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? ([408, "timeout", "the request did not come in time"] as const)
      : error.code === "HPE_HEADER_OVERFLOW"
        ? ([431, "too_large", "the headers are larger than this takes"] as const)
        : ([400, "invalid_request", "this is no HTTP request"] as const);
  const body = JSON.stringify({ error: { code, message } });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
