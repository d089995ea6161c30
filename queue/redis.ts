import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import { DeadlinePassed, withDeadline } from "../runtime/deadline.ts";
import { type Log, silentLog } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type RedisAddress, readRedisAddress } from "../runtime/redis-address.ts";

/** What a connection to Redis is for. Each has its own way of meeting a Redis that is away. */
export type RedisRole = "producer" | "worker" | "limiter";

/** What a role decides, of one server's options or of a cluster's nodes'. */
type Behaviour = Pick<RedisOptions, "enableOfflineQueue" | "commandTimeout" | "maxRetriesPerRequest">;

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
} satisfies Record<RedisRole, Behaviour>;

/**
 * How a command that meets a node which has just died is tried again, while another node takes its place: for less than
 * a command's timeout, or for the half a minute that a cluster takes with its own settings.
 */
const FAILOVER = {
  producer: { maxRedirections: 16, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100 },
  worker: { maxRedirections: 64, retryDelayOnFailover: 500, retryDelayOnClusterDown: 500 },
  limiter: { maxRedirections: 16, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100 },
} satisfies Record<RedisRole, ClusterOptions>;

const retryStrategy = (times: number) => Math.min(times * 100, 1_000);

/**
 * Opens a connection that reconnects by itself, to one of the addresses of {@link readRedisAddress}. Connects in the
 * background: see {@link assertRedis}.
 *
 * A Redis Cluster's is a `Cluster`, which has every command of `Redis` and is typed as one. Where the two differ (what
 * `duplicate` takes, `options`, how many heard a PUBLISH) the code asks `isCluster`, and so it does where keys are named:
 * each command's, transaction's and script's keys lie in one slot.
 *
 * @throws RedisAddressMalformed
 */
export function openRedis(url: string, role: RedisRole, log: Log = silentLog): Redis {
  const address = readRedisAddress(url);
  const redis = address.kind === "cluster" ? openCluster(address, role) : openServer(address, role);
  redis.on("error", (error) => log.debug({ err: error, role }, "Redis connection failed"));
  return redis;
}

function openServer(address: Exclude<RedisAddress, { kind: "cluster" }>, role: RedisRole): Redis {
  const options = { ...ROLES[role], connectTimeout: CONNECT_TIMEOUT_MS, retryStrategy };
  if (address.kind === "server") return new Redis(address.url, options);
  const { db } = address;
  if (address.kind === "socket") return new Redis({ ...options, path: address.path, db, ...credentialsOf(address) });
  const { sentinels, name, tls, sentinelUsername, sentinelPassword } = address;
  return new Redis({
    ...{ ...options, name, db, ...credentialsOf(address) },
    sentinels: [...sentinels],
    sentinelRetryStrategy: retryStrategy,
    // A primary that is frozen keeps its connections: the sentinels tell that another has taken its place.
    failoverDetector: true,
    // One that has become a replica: the command goes out again, to whom the sentinels name then.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 2 : false),
    ...(sentinelUsername ? { sentinelUsername } : {}),
    ...(sentinelPassword ? { sentinelPassword } : {}),
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  });
}

function openCluster(address: RedisAddress & { kind: "cluster" }, role: RedisRole): Redis {
  const { enableOfflineQueue = true, ...ofNodes } = ROLES[role] as Behaviour;
  const cluster = new Cluster([...address.nodes], {
    ...{ ...FAILOVER[role], enableOfflineQueue, clusterRetryStrategy: retryStrategy },
    redisOptions: {
      ...{ ...ofNodes, ...credentialsOf(address), connectTimeout: CONNECT_TIMEOUT_MS },
      ...(address.tls ? { tls: {} } : {}),
    },
    // A certificate is of a name, not of the address that it is found at.
    ...(address.tls ? { dnsLookup: (host, found) => found(null, host) } : {}),
  });
  return cluster as unknown as Redis;
}

const credentialsOf = ({ username, password }: { username: string | null; password: string | null }) => ({
  ...(username ? { username } : {}),
  ...(password ? { password } : {}),
});

/** Another connection to the same place, with other options. */
export function duplicateRedis(redis: Redis, options: Behaviour & { readonly lazyConnect: boolean }): Redis {
  if (!redis.isCluster) return redis.duplicate(options);
  const { lazyConnect, enableOfflineQueue = true, ...redisOptions } = options;
  const cluster = redis as unknown as Cluster;
  return cluster.duplicate([], { lazyConnect, enableOfflineQueue, redisOptions }) as unknown as Redis;
}

/** The connections to each server that there is: of a cluster every node, replicas too. */
export const serversOf = (redis: Redis): readonly Redis[] =>
  redis.isCluster ? (redis as unknown as Cluster).nodes("all") : [redis];

/**
 * Waits until Redis answers, and looks whether it can be relied upon: each node of a cluster, for its jobs lie in all.
 *
 * @throws OperatorError where it is unreachable, older than 6.2, or evicts keys: jobs would vanish
 */
export async function assertRedis(redis: Redis, withinMs = CONNECT_TIMEOUT_MS): Promise<void> {
  const told = await withDeadline("Redis", withinMs, answered(redis)).catch((error: unknown) => {
    throw new OperatorError(`Redis does not answer at ${whereIs(redis)}: start it, or correct REDIS_URL`, {
      cause: error instanceof DeadlinePassed ? undefined : error,
    });
  });
  for (const { server, info } of told) {
    const [major = 0, minor = 0] = (/^redis_version:([\d.]+)/m.exec(info)?.[1] ?? "").split(".").map(Number);
    if (major < 6 || (major === 6 && minor < 2))
      throw new OperatorError(`Redis at ${whereIs(server)} is older than 6.2: update it`);
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy !== undefined && policy !== "noeviction")
      throw new OperatorError(
        `Redis at ${whereIs(server)} evicts keys (maxmemory-policy ${policy}), and jobs would be lost: set maxmemory-policy noeviction`,
      );
  }
}

async function answered(redis: Redis): Promise<{ readonly server: Redis; readonly info: string }[]> {
  if (redis.status !== "ready") await new Promise<void>((resolve) => redis.once("ready", resolve));
  const asked = await Promise.allSettled(
    serversOf(redis).map(async (server) => ({ server, info: await server.info() })),
  );
  const told = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  // A cluster serves without one of its nodes.
  if (told.length === 0) throw (asked[0] as PromiseRejectedResult).reason;
  return told;
}

/** Without credentials. */
function whereIs(redis: Redis): string {
  if (redis.isCluster) {
    const { startupNodes } = redis as unknown as { startupNodes: readonly { host: string; port: number }[] };
    return startupNodes.map(({ host, port }) => `${host}:${port}`).join(", ");
  }
  const { path, host, port, sentinels, name } = redis.options;
  if (sentinels?.length) return `${sentinels.map((each) => `${each.host}:${each.port}`).join(", ")} (${name})`;
  return path ?? `${host}:${port}`;
}
