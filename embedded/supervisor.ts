import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { Log } from "../runtime/log.ts";
import { type DataDir, logFile } from "./data-dir.ts";
import { startPostgres } from "./postgres.ts";
import { postgresHome } from "./postgres-home.ts";
import { firstLine, type HoldAnswer, type HoldRequest, type ServiceName } from "./protocol.ts";
import { startRedis } from "./redis.ts";
import { makeRunDir, removeRunDir } from "./run-dir.ts";
import { postgresUser } from "./system-user.ts";

export interface SupervisorOptions {
  readonly dataDir: DataDir;
  readonly log: Log;
  /** Where programs are looked for, as in PATH. */
  readonly path: string;
  /** How long the services outlive the last holder, so that the next command finds them warm. */
  readonly lingerMs: number;
  /** How long a supervisor waits for its first holder. */
  readonly firstHolderMs: number;
  readonly postgresSettings?: Readonly<Record<string, string>>;
}

export interface Supervisor {
  /** Settles when everything is stopped. */
  readonly stopped: Promise<void>;
  /** The PostgreSQL cluster's folder; empty where none was asked for. */
  cluster(): string;
  stop(): void;
}

interface Running {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Owns the embedded PostgreSQL and Redis of one data directory for as long as somebody holds a connection to its
 * socket. Starts each when it is first asked for, starts it again when it ends unasked, and stops both in the end.
 * The caller has the data directory's lock.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { dataDir, log } = options;
  const user = postgresUser();
  const run = makeRunDir(dataDir, user);
  const running = new Map<ServiceName, Promise<Running>>();
  const holders = new Set<Socket>();
  let cluster = "";
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let settle = () => {};
  const stopped = new Promise<void>((resolve) => {
    settle = resolve;
  });

  const starters: Record<ServiceName, () => Promise<Running>> = {
    async postgres() {
      const home = postgresHome(dataDir, user);
      cluster = home.cluster;
      return startPostgres({
        binaries: home.binaries,
        dataDir: home.cluster,
        socketDir: run.postgresDir,
        user,
        logFile: logFile(dataDir, "postgres"),
        ...(options.postgresSettings ? { settings: options.postgresSettings } : {}),
      });
    },
    redis: () => startRedis({ socket: run.redisSocket, logFile: logFile(dataDir, "redis"), path: options.path }),
  };

  const start = (name: ServiceName): Promise<Running> => {
    const present = running.get(name);
    if (present !== undefined) return present;
    const starting = starters[name]();
    running.set(name, starting);
    starting.then(
      (service) => {
        log.info({ service: name }, "service started");
        void service.ended.then(() => {
          running.delete(name);
          if (stopping) return;
          log.error({ service: name }, "service ended unasked");
          start(name).catch(() => {});
        });
      },
      (error) => {
        running.delete(name);
        log.error({ service: name, err: error }, "service did not start");
      },
    );
    return starting;
  };

  const answer = async (request: HoldRequest): Promise<HoldAnswer> => {
    try {
      await Promise.all(request.needs.map(start));
      const supervisorPid = process.pid;
      return { ok: true, supervisorPid, postgresDir: run.postgresDir, cluster, redisSocket: run.redisSocket };
    } catch (error) {
      return { ok: false, message: error instanceof Error ? error.message : String(error) };
    }
  };

  const server = createServer((holder) => {
    clearTimeout(timer);
    holders.add(holder);
    holder.on("error", () => {});
    holder.on("close", () => {
      holders.delete(holder);
      if (holders.size === 0) timer = setTimeout(stop, options.lingerMs);
    });
    void firstLine(holder).then(async (line) => {
      if (line !== null) holder.write(`${JSON.stringify(await answer(JSON.parse(line) as HoldRequest))}\n`);
    });
  });

  function stop(): void {
    if (stopping) return;
    stopping = true;
    clearTimeout(timer);
    void shutDown().then(settle);
  }

  async function shutDown(): Promise<void> {
    // Nobody finds us from here on: who comes now waits for the lock, and starts the next supervisor.
    server.close();
    rmSync(run.supervisorSocket, { force: true });
    for (const holder of holders) holder.destroy();
    for (const starting of running.values()) {
      try {
        await (await starting).stop();
      } catch (error) {
        log.error({ err: error }, "service did not stop");
      }
    }
    removeRunDir(dataDir, run);
    log.info("stopped");
  }

  rmSync(run.supervisorSocket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(run.supervisorSocket, resolve);
  });
  chmodSync(run.supervisorSocket, 0o600);
  timer = setTimeout(stop, options.firstHolderMs);
  return { stopped, cluster: () => cluster, stop };
}
