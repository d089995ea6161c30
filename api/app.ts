import { randomUUID } from "node:crypto";
import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  fastify,
  LogController,
} from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { noTracing, type Tracing } from "../runtime/tracing.ts";
import { createOperators } from "./board/operators.ts";
import { type BoardDeps, boardRoutes } from "./board/routes.ts";
import { requireAccess } from "./http/access.ts";
import { createFindCaller } from "./http/callers.ts";
import { handleErrors, refuseConnection } from "./http/error-handling.ts";
import { ApiError, answerTo, tooManyRequests } from "./http/errors.ts";
import { collectOpenApi } from "./http/openapi.ts";
import { logRequests } from "./http/request-log.ts";
import { countRequests } from "./http/request-metrics.ts";
import { traceRequests } from "./http/request-trace.ts";
import type { InitDataTrust } from "./proof/init-data.ts";
import type { RouteDeps } from "./routes/deps.ts";
import { routes } from "./routes.ts";

export interface AppDeps extends Omit<RouteDeps, "trust"> {
  /** Every queue that ever got a job, for their board. */
  readonly queues: BoardDeps["queues"];
  /** Telegram's Ed25519 key, where it is not that of production. */
  readonly initDataKey?: Buffer;
  readonly tracing?: Tracing;
  /** More routes, for other processes' needs; each says who may call it. */
  readonly more?: FastifyPluginAsync;
}

/** No body of the API is longer than a few kilobytes. */
const BODY_LIMIT = 64 * 1_024;
/** Whoever has not sent a request in this time is not going to. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Addresses whose requests are counted at once, in about 10 MB. */
const ADDRESSES_COUNTED = 50_000;

/** The API, not listening yet. */
export async function createApp(deps: AppDeps): Promise<FastifyInstance> {
  const { config, database, clock } = deps;
  const trust: InitDataTrust = {
    ...config.miniApp,
    ...(deps.initDataKey ? { publicKey: deps.initDataKey } : {}),
  };
  const app = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request" }),
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => {
      const answer = answerTo(error) ?? new ApiError(400, "invalid_request", "the request is not understood");
      void (reply as FastifyReply).code(answer.status).send(answer.body);
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  traceRequests(app, deps.tracing ?? noTracing);
  logRequests(app);
  countRequests(app, deps.metrics);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { "default-src": ["'none'"], "frame-ancestors": ["'none'"] },
    },
    referrerPolicy: { policy: "no-referrer" },
  });
  app.addHook("onSend", async (_request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });
  await app.register(cookie);
  await app.register(rateLimit, {
    max: config.requestsPerMinute,
    timeWindow: 60_000,
    cache: ADDRESSES_COUNTED,
    errorResponseBuilder: (_request, { ttl }) => tooManyRequests(ttl / 1_000),
  });
  handleErrors(app);
  await collectOpenApi(app);
  requireAccess(app, createFindCaller({ database, clock, trust, admins: config.admins }));
  await app.register(routes, { ...deps, trust });
  const operators = createOperators({ database, clock, config: config.board });
  await app.register(boardRoutes, { operators, queues: deps.queues });
  if (deps.more) await app.register(deps.more);
  await app.ready();
  return app;
}
