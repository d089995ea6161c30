import type { FastifyInstance, FastifyRequest } from "fastify";
import { inSpan, noTracing, type OpenSpan, type Tracing } from "../../runtime/tracing.ts";

/**
 * A span for each request, which goes on with the caller's trace where a `traceparent` says so. As in the log, the route
 * as it is declared stands for the address.
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  if (tracing === noTracing) return;
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  const goOn = (request: FastifyRequest, done: () => void) => {
    const span = spans.get(request);
    if (span) inSpan(span, done);
    else done();
  };
  app.addHook("onRequest", (request, _reply, done) => {
    const { method, headers, routeOptions } = request;
    const { traceparent: from } = headers;
    const span = tracing.begin(routeOptions.url ? `${method} ${routeOptions.url}` : method, {
      kind: "server",
      attributes: { "http.request.method": method, "http.route": routeOptions.url, "gramfleet.request": request.id },
      ...(typeof from === "string" ? { from } : {}),
    });
    if (span) spans.set(request, span);
    goOn(request, done);
  });
  // What reads a body calls back from the socket's own events, which know of no span.
  app.addHook("preValidation", (request, _reply, done) => goOn(request, done));
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    span?.set({ "http.response.status_code": reply.statusCode });
    span?.end();
    done();
  });
}
