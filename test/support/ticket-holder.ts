import { openDatabase } from "../../db/client.ts";
import { startTickets } from "../../login/tickets.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { silentLog as log } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createFleet } from "../../telegram/fleet.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import type { HolderSettings } from "./login-fleet.ts";

/* A process that holds one ticket, says so, and is to be killed. Its settings come as JSON in its last argument. */

const settings = JSON.parse(process.argv.at(-1) ?? "") as HolderSettings;
const { databaseUrl, redis, apiIds, dataCenters, times, leaseTimes, flood } = settings;
const keyring = settings.keyring.map(({ id, key }) => ({ id, key: Buffer.from(key, "base64") }));
const metrics = createMetrics();
const database = openDatabase({ url: databaseUrl, poolSize: 4, fencedStatementMs: 5_000, log });
const fleet = await createFleet(
  {
    database,
    heartbeatUrl: databaseUrl,
    redis: () => openRedis(redis.url, "limiter"),
    redisPrefix: redis.prefix,
    keyring,
    apiIds: { ...apiIds, callsPerSecond: 1_000 },
    connect,
    dataCenters,
    limits: { ...leaseTimes, callsInFlightPerAccount: 2, ...times },
    ...{ flood, metrics, clock, log },
  },
  new Lifecycle(log),
);
const tickets = await startTickets({
  deps: {
    database,
    fleet,
    apiIds,
    dataCenters,
    times,
    flood,
    callsInFlight: 2,
    codesPerDay: 1_000,
    metrics,
    clock,
    log,
  },
  redis: () => openRedis(redis.url, "limiter"),
  redisPrefix: redis.prefix,
  keyring,
  lifeMs: 120_000,
  beatMs: 500,
  sweepMs: 60_000,
});
const { ticket, view } = await tickets.start({ asker: "elsewhere", tenantId: "default", telegramId: null });
process.stdout.write(`${JSON.stringify({ ticket, link: view.link })}\n`);
