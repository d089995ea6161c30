import { databaseUrls } from "../config/database-urls.ts";
import type { Config } from "../config/load.ts";
import type { Database } from "../db/database.ts";
import { ownDatabase, ownPool } from "../db/open.ts";
import { ownPostReader } from "../db/open-reader.ts";
import { ownTickets } from "../login/open.ts";
import type { Tickets } from "../login/tickets.ts";
import { ownProducer } from "../queue/open.ts";
import { announcePresence } from "../queue/presence.ts";
import { openRedis } from "../queue/redis.ts";
import { systemClock } from "../runtime/clock.ts";
import { ownHealthServer } from "../runtime/health.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog, type Log } from "../runtime/log.ts";
import { createMetrics, type Metrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { runProcess } from "../runtime/process.ts";
import { ownTracing } from "../runtime/tracing.ts";
import { createFleet } from "../telegram/fleet.ts";
import { fleetOptions } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
import { keyMarks } from "../telegram/key-marks.ts";
import { createTerms } from "../terms/terms.ts";
import { createApp } from "./app.ts";
import { createQrCallback } from "./qr-callback.ts";
import { createRevokeSession } from "./revoke-session.ts";
import { fleetStatus } from "./status.ts";

/** Requests that are in a transaction at once; more wait their turn. */
const POOL_SIZE = 10;
/** Logins do not stand in line behind requests: one that waited too long for a connection would have failed. */
const LOGIN_POOL_SIZE = 8;

/** How long requests that are under way at a stop may go on; then their connections are cut. */
const GRACE_MS = 10_000;

/** Runs the api until a signal ends it. */
export async function runApi(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, name: "api", traced: config.tracing !== null });
  await runProcess(log, async (lifecycle) => {
    const { port, address } = await startApi(config, lifecycle, log);
    return { port, details: { address } };
  });
}

/**
 * Serves the API on its own address, and `/status`, the fleet at a glance as JSON, beside what every process serves on
 * the metrics port. Of Telegram it calls what logs people in. What it opens is owned by `lifecycle`.
 *
 * @returns the metrics port, and the API's address
 * @throws OperatorError where PostgreSQL or Redis is unreachable or unfit, or the port is taken
 */
export async function startApi(
  config: Config,
  lifecycle: Lifecycle,
  log: Log,
): Promise<{ port: number; address: string }> {
  const { limits } = config;
  const metrics = createMetrics({ process: "api" });
  const tracing = await ownTracing(lifecycle, config.tracing, "api", log);
  const toPostgres = {
    ...databaseUrls(config),
    ...{ fencedStatementMs: limits.fencedStatementMs },
    ...{ metrics, log },
  };
  const database = await ownDatabase(lifecycle, { ...toPostgres, poolSize: POOL_SIZE });
  const { redis, producer } = await ownProducer(lifecycle, config, log);
  const forLogins = () => ownPool(lifecycle, { ...toPostgres, poolSize: LOGIN_POOL_SIZE, pool: "logins" });
  const tickets = await openTickets(config, lifecycle, { forLogins, metrics, log });
  const status = () => fleetStatus({ database, producer, lateMs: limits.overdueAfterMs });
  const app = lifecycle.own(
    "API",
    await createApp({
      ...{ database, log, metrics, tracing, status, tickets },
      posts: ownPostReader(lifecycle, config, { database, poolSize: POOL_SIZE, metrics, log }),
      clock: systemClock,
      config: config.api,
      terms: createTerms(config.terms),
      qrCallback: tickets && createQrCallback(tickets, metrics),
      revoke: createRevokeSession(database, producer, systemClock),
      queues: () => producer.openQueues(),
    }),
    closeInTime,
  );
  const { host, port } = config.api;
  const address = await app.listen({ host, port }).catch((error: unknown) => {
    throw new OperatorError(`the api cannot listen on ${host}:${port}: free it, or set API_HOST and API_PORT`, {
      cause: error,
    });
  });
  const health = await ownHealthServer(lifecycle, {
    ...config.metrics,
    ...{ metrics, database, redis },
    documents: { "/status": status },
  });
  const keys = tickets ? keyMarks(config.keyring) : [];
  announcePresence(lifecycle, { role: "api", keys, prefix: config.redisPrefix, redis, log });
  log.info({ port: health.port, address }, "api started");
  return { port: health.port, address };
}

/** Logins by QR code, where this process has API IDs to log in with and a keyring to seal with; else null. */
async function openTickets(
  config: Config,
  lifecycle: Lifecycle,
  parts: { readonly forLogins: () => Database; readonly metrics: Metrics; readonly log: Log },
): Promise<Tickets | null> {
  const { apiIds, keyring } = config;
  const { metrics, log } = parts;
  if (apiIds.masters.length === 0 || keyring.length === 0) {
    log.warn("no logins by QR code: MASTER_API_IDS or SESSION_ENCRYPTION_KEYS is not set");
    return null;
  }
  const process = { database: parts.forLogins(), metrics, log };
  const redis = () => openRedis(config.redisUrl ?? "", "limiter", log);
  const clock = systemClock;
  if (!config.fastCodec) keepOriginalCodec();
  const fleet = await createFleet(fleetOptions(config, { ...process, redis, connect, clock }), lifecycle);
  return ownTickets(lifecycle, config, { redis, ...process, fleet, clock });
}

async function closeInTime(app: Awaited<ReturnType<typeof createApp>>): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
  await app.close();
  clearTimeout(cut);
}
