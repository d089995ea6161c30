import { hostname } from "node:os";
import type { Redis } from "ioredis";
import type { Database } from "../db/database.ts";
import { listenForRevocations } from "../db/revocations.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Accounts } from "./account.ts";
import { createAccounts } from "./accounts.ts";
import { type ApiIdService, type ApiIdTimes, createApiIdService } from "./api-ids.ts";
import type { FloodOptions } from "./call-policy.ts";
import type { Connect, ConnectionTimes, DataCenterAddresses } from "./connection.ts";
import { folderMarks, redisMarks } from "./installation/marks.ts";
import { guardInstallation, type InstallationGuard } from "./installation.ts";
import { assertKeyringOpens } from "./keyring-check.ts";
import { createLeases, type Leases, type LeaseTimes } from "./lease.ts";
import { showLoads } from "./limiter/gauges.ts";
import { createLimiter, type Limiter } from "./limiter.ts";
import { apiHashOf, type MasterApi } from "./shards.ts";
import { createVault, type Keyring, type Vault } from "./vault.ts";
import { createWaitLedger, type WaitLedger } from "./waits.ts";

/** Everything of one process that a call to Telegram goes through. */
export interface Fleet {
  readonly accounts: Accounts;
  readonly leases: Leases;
  readonly limiter: Limiter;
  readonly waits: WaitLedger;
  readonly apiIds: ApiIdService;
  readonly vault: Vault;
}

export interface FleetOptions {
  readonly database: Database;
  /** The heartbeat's own way to PostgreSQL. */
  readonly heartbeatUrl: string;
  /** Opens a connection of role "limiter". */
  readonly redis: () => Redis;
  readonly redisPrefix: string;
  readonly keyring: Keyring;
  readonly apiIds: {
    readonly masters: readonly MasterApi[];
    readonly backup: MasterApi | null;
    readonly callsPerSecond: number;
  };
  readonly connect: Connect;
  readonly dataCenters: DataCenterAddresses | null;
  readonly flood: FloodOptions;
  /** Which installation the database must be of; where it is not given, any will do. */
  readonly installation?: {
    readonly id: string | null;
    /** Where a mark is kept beside the one in Redis. */
    readonly markDir: string | null;
    readonly everyMs: number;
  };
  readonly limits: LeaseTimes & ConnectionTimes & Partial<ApiIdTimes> & { readonly callsInFlightPerAccount: number };
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  /** What fault tests take away. */
  readonly without?: Parameters<typeof createLeases>[0]["without"];
  readonly withoutBreakers?: boolean;
}

/**
 * Puts a process's part of the fleet together. `lifecycle` releases it in the right order: accounts first, then waits
 * and limiter, leases last.
 *
 * @throws OperatorError where the keyring is empty or does not open what is stored
 */
export async function createFleet(options: FleetOptions, lifecycle: Lifecycle): Promise<Fleet> {
  const { database, limits, flood, metrics, clock, log } = options;
  const vault = createVault(options.keyring, { metrics, log });
  // By one that raises no alarm: at the start one line says it all.
  await assertKeyringOpens(createVault(options.keyring), database);
  const installation = ownGuard(options, lifecycle);
  const leases = lifecycle.own(
    "leases",
    createLeases({
      database,
      heartbeatUrl: options.heartbeatUrl,
      times: limits,
      installation,
      holder: `${hostname()}:${process.pid}`,
      without: options.without,
      ...{ metrics, clock, log },
    }),
    (owned) => owned.close(),
  );
  lifecycle.own(
    "revocations",
    listenForRevocations({
      url: options.heartbeatUrl,
      onAsked: () => void leases.heedRevocations().catch((error) => log.info({ err: error }, "revocations not seen")),
      retryMs: limits.heartbeatMs,
      log,
    }),
    (listener) => listener.close(),
  );
  const limiter = lifecycle.own(
    "limiter",
    createLimiter({
      redis: options.redis,
      callsPerSecond: options.apiIds.callsPerSecond,
      prefix: options.redisPrefix,
      slotDeadlineMs: limits.callDeadlineMs,
      ...{ clock, log },
    }),
    (owned) => owned.close(),
  );
  const { masters, backup, callsPerSecond } = options.apiIds;
  const ours = [...masters, ...(backup ? [backup] : [])].map((api) => api.apiId);
  lifecycle.own(
    "limiter's gauges",
    metrics.whenScraped(() => showLoads(limiter, { ours, callsPerSecond }, metrics)),
    (end) => end(),
  );
  const waits = lifecycle.own("waits", createWaitLedger({ database, clock, log }), (owned) => owned.close());
  const apiIds = lifecycle.own(
    "API IDs",
    createApiIdService({ database, limiter, times: limits, without: options.withoutBreakers ?? false, log }),
    (owned) => owned.close(),
  );
  const accounts = lifecycle.own(
    "accounts",
    createAccounts({
      connect: options.connect,
      dataCenters: options.dataCenters,
      apiHashOf: (apiId) => apiHashOf(options.apiIds, apiId),
      times: limits,
      callsInFlight: limits.callsInFlightPerAccount,
      ...{ database, leases, limiter, waits, apiIds, vault, flood, metrics, clock, log },
    }),
    (owned) => owned.close(),
  );
  return { accounts, leases, limiter, waits, apiIds, vault };
}

function ownGuard(options: FleetOptions, lifecycle: Lifecycle): InstallationGuard | undefined {
  const { installation, database, log } = options;
  if (!installation || options.without?.has("installation")) return undefined;
  const redis = lifecycle.own("Redis (marks)", options.redis(), (opened) => opened.disconnect());
  const marks = [redisMarks(redis, options.redisPrefix)];
  if (installation.markDir) marks.push(folderMarks(installation.markDir));
  return lifecycle.own(
    "installation",
    guardInstallation({ installId: installation.id, everyMs: installation.everyMs, ...{ database, marks, log } }),
    (guard) => guard.close(),
  );
}
