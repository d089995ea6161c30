import { loadConfig } from "../config/load.ts";
import type { Database } from "../db/database.ts";
import { openRedis } from "../queue/redis.ts";
import { systemClock as clock } from "../runtime/clock.ts";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createFleet, type Fleet } from "../telegram/fleet.ts";
import { fleetOptions } from "../telegram/from-config.ts";
import { keepOriginalCodec } from "../telegram/gramjs/codec/fast-codec.ts";
import { connect } from "../telegram/gramjs/connect.ts";
import { openBenchDatabase } from "./fleet.ts";

/** What a worker has of Telegram, without its queues: leases, vault, limiter, waits, policy, adapter. */
export async function openOurFleet(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly fleet: Fleet; readonly database: Database; close(): Promise<void> }> {
  const config = loadConfig(env, ["database", "redis", "api-ids", "keyring"]);
  const log = createLog({ level: config.logLevel, name: "side" });
  if (!config.fastCodec) keepOriginalCodec();
  const lifecycle = new Lifecycle(log);
  const database = lifecycle.own("database", openBenchDatabase(config, { log }), (opened) => opened.close());
  const fleet = await createFleet(
    fleetOptions(config, {
      redis: () => openRedis(config.redisUrl ?? "", "limiter", log),
      ...{ database, connect, clock, log, metrics: createMetrics({ process: "worker" }) },
    }),
    lifecycle,
  );
  return { fleet, database, close: () => lifecycle.close() };
}

/** Sessions that can be opened, the oldest first. */
export async function sessionIds(database: Database): Promise<bigint[]> {
  const rows = await database.asWorker((tx) =>
    tx.selectFrom("sessions").select("id").where("state", "=", "AUTHORIZED").orderBy("id").execute(),
  );
  return rows.map(({ id }) => id);
}
