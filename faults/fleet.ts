import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { acquire } from "../bench/acquire.ts";
import { DEFAULT_TENANT } from "../cli/context.ts";
import { openQueues } from "../cli/queues.ts";
import { type Child, startChild } from "../cli/up/children.ts";
import { seedAccounts } from "../cli/up/seed.ts";
import type { Witness } from "../cli/up/witness.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { openDatabase } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { type LeaseRow, listLeases } from "../db/leases.ts";
import type { Emulator } from "../emulator/start.ts";
import type { Producer } from "../queue/producer.ts";
import { createVault } from "../telegram/vault.ts";
import { builtCommand } from "./build.ts";
import { type CommitWitness, openCommitWitness } from "./commit-witness.ts";
import { PACE, startEmulated, type WorldSize, witnessOf } from "./emulated.ts";
import { startWorker, type WorkerProcess } from "./processes.ts";
import type { Stage } from "./scenario.ts";

/** Lease, heartbeat, quiet time, BullMQ's lock and its stall check are a tenth of what they are in production. */
export const TIMES_DIVISOR = 10;

/** A process stops within its grace and the hand-back after it. */
const STOP_WITHIN_MS = 12_000;

/** A whole gramfleet of real processes, with every witness of what it does. */
export interface Fleet {
  readonly config: Config;
  readonly database: Database;
  readonly producer: Producer;
  readonly emulator: Emulator;
  readonly telegram: Witness;
  readonly commits: CommitWitness;
  /** Those that were not killed, and those that were until they are replaced. */
  readonly workers: readonly WorkerProcess[];
  readonly scheduler: Child;
  leases(): Promise<readonly LeaseRow[]>;
  /** Starts one more, and waits until it works. */
  addWorker(env?: NodeJS.ProcessEnv): Promise<WorkerProcess>;
  /** Starts another in the place of one that ended or is to end (it is killed if need be), and waits until it works. */
  replace(worker: WorkerProcess, env?: NodeJS.ProcessEnv): Promise<WorkerProcess>;
  /** Starts `gramfleet <args>` beside the workers: ended with the scenario at the latest. */
  command(name: string, args: readonly string[]): Child;
  /** SIGTERM; resolves when it has ended. */
  stop(worker: WorkerProcess): Promise<void>;
}

export interface FleetOptions extends WorldSize {
  readonly workers: number;
  /** For every process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Arguments for Node itself, by the process's name. */
  readonly forNode?: (name: string) => readonly string[];
}

/** Starts it all on a database of its own; the stage's lifecycle ends it. Users are due at once. */
export async function startFleet(stage: Stage, options: FleetOptions): Promise<Fleet> {
  const { lifecycle, ground } = stage;
  const emulator = await acquire(
    lifecycle,
    "emulator",
    startEmulated(sharedOut(options, stage), stage.seed),
    (started) => started.close(),
  );
  const name = `faults_${stage.scenario}`;
  const env = await environmentOf(stage, emulator, name, {
    EMULATOR_PACE: String(options.pace ?? PACE),
    ...options.env,
  });
  const config = loadConfig(env, ["database", "redis", "api-ids", "keyring"]);
  const url = config.databaseUrl ?? "";
  const database = lifecycle.own(
    "database",
    openDatabase({ url, poolSize: 4, fencedStatementMs: config.limits.fencedStatementMs, log: ground.log }),
    (opened) => opened.close(),
  );
  const commits = await acquire(lifecycle, "commit witness", openCommitWitness(url), (opened) => opened.close());
  const telegram = witnessOf(emulator);
  await seedAccounts({
    database,
    vault: createVault(config.keyring),
    tenantId: DEFAULT_TENANT,
    accounts: emulator.accounts,
    now: new Date(),
  });
  const producer = await openQueues({ config, lifecycle, log: ground.log });
  const workers: WorkerProcess[] = [];
  let started = 0;

  async function addWorker(more: NodeJS.ProcessEnv = {}): Promise<WorkerProcess> {
    started += 1;
    const worker = await acquire(
      lifecycle,
      `worker ${started}`,
      startWorker({
        name: `worker-${started}`,
        env: { ...env, ...more },
        emulator,
        postgresUrl: url,
        dist: stage.dist,
        logFile: ground.logFile(`${name}-worker-${started}`),
        ...(options.forNode ? { forNode: options.forNode(`worker-${started}`) } : {}),
      }),
      (running) => running.stop(STOP_WITHIN_MS),
    );
    workers.push(worker);
    await worker.child.ready;
    return worker;
  }

  async function stop(worker: WorkerProcess): Promise<void> {
    const at = workers.indexOf(worker);
    if (at >= 0) workers.splice(at, 1);
    await worker.stop(STOP_WITHIN_MS);
  }

  const command = (label: string, args: readonly string[]): Child =>
    lifecycle.own(
      label,
      startChild({
        ...{ name: label, args, env, command: builtCommand(stage.dist, args, options.forNode?.(label)) },
        logFile: ground.logFile(`${name}-${label}`),
      }),
      (child) => child.stop(STOP_WITHIN_MS),
    );

  await Promise.all(Array.from({ length: Math.ceil(options.workers * stage.share) }, () => addWorker()));
  const scheduler = command("scheduler", ["scheduler"]);
  await scheduler.ready;
  return {
    ...{ config, database, producer, emulator, telegram, commits, workers, scheduler, addWorker, command, stop },
    leases: () => database.once(listLeases),
    async replace(worker, more) {
      worker.signal("SIGKILL");
      await stop(worker);
      return addWorker(more);
    },
  };
}

const sharedOut = (size: WorldSize, { share }: Stage): WorldSize => ({
  ...size,
  users: Math.ceil(size.users * share),
  channels: Math.ceil(size.channels * share),
});

async function environmentOf(
  stage: Stage,
  emulator: Emulator,
  name: string,
  more: NodeJS.ProcessEnv = {},
): Promise<NodeJS.ProcessEnv> {
  const publicKey = join(stage.ground.dir, `${name}.pem`);
  writeFileSync(publicKey, emulator.publicKeyPem);
  return {
    ...(await stage.ground.environment(name)),
    REDIS_PREFIX: name,
    METRICS_PORT: "0",
    DATABASE_POOL_SIZE: "8",
    MASTER_API_IDS: emulator.apiIds.map((api) => api.apiId).join(","),
    MASTER_API_HASHES: emulator.apiIds.map((api) => api.apiHash).join(","),
    TELEGRAM_DC: emulator.dataCenters.map((dc) => `${dc.id}@${dc.host}:${dc.port}`).join(","),
    TELEGRAM_DC_PUBLIC_KEY: publicKey,
    TIMES_DIVISOR: String(TIMES_DIVISOR),
    ...(stage.without.length > 0 ? { FAULTS_WITHOUT: stage.without.join(",") } : {}),
    ...more,
  };
}
