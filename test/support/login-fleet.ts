import { randomBytes } from "node:crypto";
import { openDatabase } from "../../db/client.ts";
import { loadSealed, loadSession } from "../../db/sessions.ts";
import type { SessionTransition } from "../../db/transition-watch.ts";
import { startTickets, type Tickets } from "../../login/tickets.ts";
import { openRedis } from "../../queue/redis.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { Lifecycle } from "../../runtime/lifecycle.ts";
import { type Log, silentLog } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createFleet } from "../../telegram/fleet.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import type { LoginDependencies } from "../../telegram/login/custody.ts";
import { testDatabase, testRedis } from "./services.ts";
import { startWireTelegram } from "./wire-telegram.ts";

const MASTER = { apiId: 1001, apiHash: "a".repeat(32) };
const flood = { inlineMaxSeconds: 2, sleepThreshold: 120, scope: "account" } as const;
const times = {
  connectDeadlineMs: 20_000,
  callDeadlineMs: 20_000,
  pingEveryMs: 5_000,
  pingDisconnectMs: 20_000,
  closeWaitMs: 1_000,
};

const LEASES = { leaseMs: 30_000, heartbeatMs: 10_000, quietMs: 15_000 };
/** Short, for tests in which a holder dies. */
const leaseTimes = { leaseMs: 6_000, heartbeatMs: 1_000, quietMs: 2_000 };

/** What another process needs to log people in beside this one: JSON-safe. */
export type HolderSettings = ReturnType<Awaited<ReturnType<typeof startLoginFleet>>["forHolder"]>;

/** What a process that logs people in has: an emulated Telegram of two data centers, a database, the fleet's parts. */
export async function startLoginFleet(
  given: { readonly shortLeases?: boolean; readonly log?: Log; readonly redisUrl?: string } = {},
) {
  const log = given.log ?? silentLog;
  const telegram = await startWireTelegram();
  const place = await testDatabase();
  const redis = { ...testRedis(), ...(given.redisUrl ? { url: given.redisUrl } : {}) };
  const transitions: SessionTransition[] = [];
  const metrics = createMetrics();
  const database = openDatabase({
    url: place.url,
    poolSize: 8,
    fencedStatementMs: 5_000,
    onTransition: (transition) => transitions.push(transition),
    log,
  });
  const lifecycle = new Lifecycle(log);
  let people = 0;
  const apiIds = { masters: [MASTER], backup: null };
  const keyring = [{ id: "k1", key: randomBytes(32) }];
  const fleet = await createFleet(
    {
      database,
      heartbeatUrl: place.url,
      redis: () => openRedis(redis.url, "limiter"),
      redisPrefix: redis.prefix,
      keyring,
      apiIds: { ...apiIds, callsPerSecond: 1_000 },
      connect,
      dataCenters: telegram.dataCenters,
      limits: { ...(given.shortLeases ? leaseTimes : LEASES), callsInFlightPerAccount: 2, ...times },
      ...{ flood, metrics, clock, log },
    },
    lifecycle,
  );
  const deps: LoginDependencies = {
    ...{ database, fleet, apiIds, times, flood, metrics, clock, log },
    dataCenters: telegram.dataCenters,
    callsInFlight: 2,
    codesPerDay: 1_000,
  };
  return {
    telegram,
    database,
    databaseUrl: place.url,
    redis,
    keyring,
    fleet,
    deps,
    lifecycle,
    /** Committed in this process, the oldest first. */
    transitions,
    /** One process's tickets, until the end. */
    async openTickets(
      given: {
        readonly lifeMs?: number;
        readonly beatMs?: number;
        readonly codesPerDay?: number;
        readonly consent?: LoginDependencies["consent"];
      } = {},
    ): Promise<Tickets> {
      const { lifeMs = 120_000, beatMs = 3_000, codesPerDay = 1_000, consent } = given;
      const tickets = await startTickets({
        deps: { ...deps, codesPerDay, ...(consent ? { consent } : {}) },
        redis: () => openRedis(redis.url, "limiter"),
        ...{ redisPrefix: redis.prefix, keyring, lifeMs, beatMs, sweepMs: 60_000 },
      });
      return lifecycle.own("tickets", tickets, (opened) => opened.close());
    },
    /** Somebody with a phone, in one of the two data centers by turns, and the code that comes to it. */
    person(given: { readonly password?: string | null; readonly dcId?: number } = {}) {
      people += 1;
      const { dcId = 1 + (people % 2), password = null } = given;
      const telegramId = 6_200_000_000n + BigInt(people);
      const phone = `99966${dcId}1${String(people).padStart(3, "0")}`;
      const known = { firstName: "Ada", username: null, premium: false };
      telegram.world.addUser({ id: telegramId, phone, dcId, password, ...known });
      return { telegramId, phone, code: String(dcId).repeat(5) };
    },
    /** Every session's row, the oldest first. */
    async sessions() {
      return database.asWorker(async (tx) => {
        const ids = await tx.selectFrom("sessions").select("id").orderBy("id").execute();
        const rows = await Promise.all(ids.map(({ id }) => loadSession(tx, id)));
        return rows.flatMap((row) => row ?? []);
      });
    },
    /** The clear session that is stored; null where there is none. */
    async secretOf(sessionId: bigint): Promise<string | null> {
      return database.asWorker(async (tx) => {
        const sealed = await loadSealed(tx, sessionId);
        const info = await loadSession(tx, sessionId);
        if (!sealed || !info) return null;
        const { tenantId, telegramId, apiId } = info;
        return fleet.vault.open(sealed, { tenantId, sessionId, telegramId, apiId });
      });
    },
    forHolder: () => ({
      ...{ databaseUrl: place.url, redis, apiIds, times, leaseTimes, flood },
      dataCenters: telegram.dataCenters,
      keyring: keyring.map(({ id, key }) => ({ id, key: key.toString("base64") })),
    }),
    async close() {
      await lifecycle.close();
      await database.close();
      await place.drop();
      await telegram.close();
    },
  };
}

export type LoginFleet = Awaited<ReturnType<typeof startLoginFleet>>;
