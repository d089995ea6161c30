import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_TENANT } from "../cli/context.ts";
import { startEmulated } from "../cli/up/emulated.ts";
import { seedAccounts } from "../cli/up/seed.ts";
import { databaseUrls } from "../config/database-urls.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { openDatabase } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { type ControlClient, createControlClient } from "../emulator/control-client.ts";
import type { ControlAccount } from "../emulator/control-protocol.ts";
import { builtCommand } from "../faults/build.ts";
import type { JobRef, NewJob } from "../queue/jobs.ts";
import { createProducer, type Producer } from "../queue/producer.ts";
import { openRedis } from "../queue/redis.ts";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import { createVault } from "../telegram/vault.ts";
import { acquire } from "./acquire.ts";
import type { CpuParts } from "./cpu.ts";
import type { Ground, MeasuredGround } from "./ground.ts";
import { endOf, startProcess } from "./process.ts";

/** More than this machine can do: the limiter takes part, and holds nothing back. */
const CALLS_PER_SECOND = 100_000;
const PATIENCE_MS = 300_000;
/** How exactly the end of many jobs is seen: within 1 % of a run of some seconds. */
const LOOK_EVERY_MS = 20;

/** An emulated Telegram, a worker of gramfleet's, each in its process, and what the driver has to do with them. */
export interface Fleet {
  readonly control: ControlClient;
  /** The emulated people; as many of the first as were asked for are users of gramfleet's. */
  readonly accounts: readonly ControlAccount[];
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly database: Database;
  readonly producer: Producer;
  /** Enqueues a job and waits for its end. @throws where it failed */
  run(job: NewJob): Promise<unknown>;
  /** Resolves when no job is left. @throws where one has failed */
  idle(): Promise<void>;
  /** Whose CPU is shown: all but the driver's, which waits. */
  readonly cpu: CpuParts;
}

/** How the worker is started. */
export interface WorkerOptions {
  /** Flags of its Node, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it all; flood limits and traffic are out of the way, so that nothing happens but what is measured. */
export async function startFleet(
  ground: MeasuredGround,
  lifecycle: Lifecycle,
  options: {
    readonly name: string;
    /** `bench_` and the name, where not given. */
    readonly database?: string;
    readonly users: number;
    /** How many of them are users of gramfleet's (1). */
    readonly ours?: number;
    /** Whether they are subscribed to what their accounts follow (yes). */
    readonly subscribed?: boolean;
    readonly channels: number;
    readonly files: readonly string[];
    /** Null where a row starts what it measures by itself. */
    readonly worker: WorkerOptions | null;
  },
): Promise<Fleet> {
  const { log } = ground;
  const { database = `bench_${options.name.replaceAll("-", "_")}` } = options;
  const services = await ground.environment(database);
  const dir = join(ground.dir, options.name);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const logFile = ground.logFile(`${options.name}-emulator`);
  const emulated = await acquire(
    lifecycle,
    "emulator",
    startEmulated({
      world: { name: options.name, database, dir },
      choice: { users: options.users, channels: options.channels, files: options.files },
      pace: 1,
      noLimits: true,
      env: services,
      logFile,
    }).catch((error: Error) => {
      throw new OperatorError(`${error.message}\n${endOf(logFile)}`);
    }),
    (started) => started.close(),
  );
  const control = createControlClient(emulated.control);
  await control.setTraffic(false);
  const env = {
    ...services,
    ...emulated.env,
    API_CALLS_PER_SECOND: String(CALLS_PER_SECOND),
    REDIS_PREFIX: `bench-${options.name}`,
  };
  const config = loadConfig(env, ["database", "redis", "api-ids", "keyring"]);
  const opened = lifecycle.own("database", openBenchDatabase(config, ground), (db) => db.close());
  const accounts = await control.accounts();
  await seedAccounts({
    database: opened,
    vault: createVault(config.keyring),
    tenantId: DEFAULT_TENANT,
    accounts: accounts
      .slice(0, options.ours ?? 1)
      .map((account) => (options.subscribed === false ? { ...account, follows: [] } : account)),
    now: new Date(),
    spreadMs: 0,
  });
  const redis = lifecycle.own("Redis", openRedis(config.redisUrl ?? "", "producer", log), (connection) =>
    connection.disconnect(),
  );
  const producer = lifecycle.own("producer", createProducer({ redis, prefix: config.redisPrefix, log }), (made) =>
    made.close(),
  );
  const worker = options.worker
    ? await acquire(
        lifecycle,
        "worker",
        startProcess({
          name: "worker",
          command: builtCommand(ground.dist, ["worker"]),
          nodeFlags: options.worker.nodeFlags,
          env: { ...env, ...options.worker.env },
          logFile: ground.logFile(`${options.name}-worker`),
        }),
        (started) => started.stop(),
      )
    : null;
  return {
    ...{ control, accounts, env, config, producer, database: opened },
    async run(job) {
      const ref: JobRef = await producer.add(job);
      return producer.waitFor(ref, PATIENCE_MS);
    },
    idle: () => untilIdle(producer),
    cpu: {
      ...(worker ? { worker: { root: worker.pid } } : {}),
      PostgreSQL: { root: ground.supervisorPid, program: "postgres" },
      Redis: { root: ground.supervisorPid, program: "redis-server" },
      emulator: { root: emulated.child.pid },
    },
  };
}

export function openBenchDatabase(config: Config, { log }: Pick<Ground, "log">): Database {
  const { fencedStatementMs } = config.limits;
  return openDatabase({ ...databaseUrls(config), poolSize: 4, fencedStatementMs, log });
}

async function untilIdle(producer: Pick<Producer, "queueCounts">): Promise<void> {
  for (;;) {
    const counts = await producer.queueCounts();
    const left = counts.reduce((sum, { waiting, delayed, active }) => sum + waiting + delayed + active, 0);
    const failed = counts.reduce((sum, queue) => sum + queue.failed, 0);
    if (failed > 0) throw new Error(`${failed} jobs failed`);
    if (left === 0) return;
    await sleep(LOOK_EVERY_MS);
  }
}
