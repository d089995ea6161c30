import { Redis, type RedisOptions } from "ioredis";
import { DeadlinePassed, withDeadline } from "../runtime/deadline.ts";
import { type Log, silentLog } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** What a connection to Redis is for. Each has its own way of meeting a Redis that is away. */
export type RedisRole = "producer" | "worker" | "limiter";

/** Redis commands of producers fail after this, so that a due scan never hangs. */
const COMMAND_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;

const ROLES = {
  // Fails within three seconds and queues nothing: what is not enqueued stays due.
  producer: { enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS, maxRetriesPerRequest: 1 },
  // BullMQ's Workers wait for Redis as long as it takes, and demand this.
  worker: { maxRetriesPerRequest: null },
  // A call whose slot cannot be asked for fails as Transient instead of going out.
  limiter: { enableOfflineQueue: false, commandTimeout: COMMAND_TIMEOUT_MS, maxRetriesPerRequest: 1 },
} satisfies Record<RedisRole, RedisOptions>;

/**
 * Opens a connection that reconnects by itself. `redis://`, `rediss://`, or `unix:///path/of/socket` with an optional
 * `?db=N`. Connects in the background: see {@link assertRedis}.
 */
export function openRedis(url: string, role: RedisRole, log: Log = silentLog): Redis {
  const options = {
    ...ROLES[role],
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times: number) => Math.min(times * 100, 1_000),
  };
  const redis = url.startsWith("unix:") ? new Redis({ ...options, ...unixSocket(url) }) : new Redis(url, options);
  redis.on("error", (error) => log.debug({ err: error, role }, "Redis connection failed"));
  return redis;
}

/** What ioredis throws of a connection that has gone, by text alone but for one. */
const GONE = /^(Stream isn't writeable|Connection is closed|Command timed out)/;

/** Whether an error of a command says that Redis could not be reached. */
export const isRedisAway = (error: unknown): boolean =>
  error instanceof Error && (error.name === "MaxRetriesPerRequestError" || GONE.test(error.message));

function unixSocket(url: string) {
  const { pathname, searchParams, username, password } = new URL(url);
  return {
    path: decodeURIComponent(pathname),
    db: Number(searchParams.get("db") ?? 0),
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  };
}

/**
 * Waits until Redis answers, and looks whether it can be relied upon.
 *
 * @throws OperatorError where it is unreachable, older than 6.2, or evicts keys: jobs would vanish
 */
export async function assertRedis(redis: Redis, withinMs = CONNECT_TIMEOUT_MS): Promise<void> {
  const info = await withDeadline("Redis", withinMs, answered(redis)).catch((error: unknown) => {
    throw new OperatorError(`Redis does not answer at ${whereIs(redis)}: start it, or correct REDIS_URL`, {
      cause: error instanceof DeadlinePassed ? undefined : error,
    });
  });
  const [major = 0, minor = 0] = (/^redis_version:([\d.]+)/m.exec(info)?.[1] ?? "").split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    throw new OperatorError(`Redis at ${whereIs(redis)} is older than 6.2: update it`);
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== "noeviction")
    throw new OperatorError(
      `Redis at ${whereIs(redis)} evicts keys (maxmemory-policy ${policy}), and jobs would be lost: set maxmemory-policy noeviction`,
    );
}

async function answered(redis: Redis): Promise<string> {
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", resolve));
  return redis.info();
}

/** Without credentials. */
function whereIs(redis: Redis): string {
  const { path, host, port } = redis.options;
  return path ?? `${host}:${port}`;
}
