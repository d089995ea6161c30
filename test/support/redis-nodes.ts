import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";

const HOST = "127.0.0.1";
const SLOTS = 16_384;
/** How soon the others take a silent node for dead; 15 s where nobody says otherwise. */
const NODE_TIMEOUT_MS = 2_000;

/** One redis-server of a test's own. */
export interface RedisNode {
  readonly port: number;
  /** To look at it; commands go to this server alone. */
  readonly redis: Redis;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

async function startNode(dir: string, port: number, args: readonly string[]): Promise<RedisNode> {
  const child: ChildProcess = spawn(
    "redis-server",
    [...args, "--port", String(port), "--bind", HOST, "--dir", dir, "--logfile", join(dir, `${port}.log`)],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const redis = new Redis({ host: HOST, port, retryStrategy: (times) => Math.min(times * 20, 500) });
  redis.on("error", () => undefined);
  await redis.ping();
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    ...{ port, redis, signal },
    async stop() {
      redis.disconnect();
      signal("SIGKILL");
      await ended;
    },
  };
}

const SERVER = [
  "--save",
  "",
  "--appendonly",
  "no",
  "--maxmemory-policy",
  "noeviction",
  "--repl-diskless-sync-delay",
  "0",
];

/**
 * A Redis Cluster on loopback: `masters` with a share of the slots each, and as many replicas of the first ones.
 * Close it.
 */
export async function startRedisCluster(size: { readonly masters: number; readonly replicas: number }) {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-cluster-"));
  const count = size.masters + size.replicas;
  const firstPort = await freePorts(count * 2);
  const ports = Array.from({ length: count * 2 }, (_, index) => firstPort + index);
  const nodes = await Promise.all(
    ports
      .slice(0, count)
      .map((port, index) =>
        startNode(dir, port, [
          ...SERVER,
          ...["--cluster-enabled", "yes", "--cluster-config-file", `${port}.conf`],
          ...[
            "--cluster-announce-ip",
            HOST,
            "--cluster-port",
            String(ports[count + index]),
            "--cluster-node-timeout",
            String(NODE_TIMEOUT_MS),
          ],
        ]),
      ),
  );
  const [first] = nodes as [RedisNode];
  const idOf = async (node: RedisNode) => String(await node.redis.cluster("MYID"));
  for (const [index, node] of nodes.slice(0, size.masters).entries()) {
    const from = Math.floor((SLOTS * index) / size.masters);
    const to = Math.floor((SLOTS * (index + 1)) / size.masters) - 1;
    await node.redis.cluster("ADDSLOTSRANGE", from, to);
  }
  for (const [index, node] of nodes.entries())
    if (index > 0) await first.redis.call("CLUSTER", "MEET", HOST, node.port, ports[count + index] ?? 0);
  const everyone = async (what: string, holds: (info: string, node: RedisNode) => boolean) =>
    eventually(
      async () =>
        (await Promise.all(nodes.map(async (node) => holds(await node.redis.cluster("INFO"), node)))).every(Boolean),
      { what },
    );
  await everyone("a cluster that knows all its nodes", (info) => info.includes(`cluster_known_nodes:${count}\r`));
  for (const [index, replica] of nodes.slice(size.masters).entries()) {
    const master = await idOf(nodes[index] as RedisNode);
    await eventually(async () => String(await replica.redis.cluster("NODES")).includes(master));
    await replica.redis.cluster("REPLICATE", master);
    await eventually(async () => /master_link_status:up/.test(await replica.redis.info("replication")), {
      what: "a replica that follows",
    });
  }
  await everyone("a cluster that serves", (info) => info.includes("cluster_state:ok"));
  return {
    url: `redis+cluster://${nodes
      .slice(0, size.masters)
      .map(({ port }) => `${HOST}:${port}`)
      .join(",")}`,
    nodes,
    /** The node that serves a key now, of those that answer. */
    async ownerOf(key: string): Promise<RedisNode> {
      const asked = nodes.find(({ redis }) => redis.status === "ready") as RedisNode;
      const slot = Number(await asked.redis.cluster("KEYSLOT", key));
      const ranges = (await asked.redis.cluster("SLOTS")) as unknown as [number, number, [string, number]][];
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      return nodes.find(({ port }) => port === range?.[2][1]) as RedisNode;
    },
    async close() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type RedisCluster = Awaited<ReturnType<typeof startRedisCluster>>;

/** A primary, a replica of it, and a sentinel that may decide alone. Close it. */
export async function startRedisSentinel() {
  const dir = mkdtempSync(join(tmpdir(), "gramfleet-sentinel-"));
  const first = await freePorts(3);
  const [second, third] = [first + 1, first + 2];
  const servers = [
    await startNode(dir, first, SERVER),
    await startNode(dir, second, [...SERVER, "--replicaof", `${HOST} ${first}`]),
  ];
  await eventually(async () => /master_link_status:up/.test(await servers[1]!.redis.info("replication")), {
    what: "a replica that follows",
  });
  const config = join(dir, "sentinel.conf");
  writeFileSync(
    config,
    [
      `sentinel monitor fleet ${HOST} ${first} 1`,
      "sentinel down-after-milliseconds fleet 1000",
      "sentinel failover-timeout fleet 5000",
    ].join("\n"),
  );
  const sentinel = await startNode(dir, third, [config, "--sentinel"]);
  await eventually(
    async () => ((await sentinel.redis.call("SENTINEL", "REPLICAS", "fleet")) as unknown[]).length === 1,
    {
      what: "a sentinel that knows the replica",
    },
  );
  return {
    url: `redis+sentinel://${HOST}:${third}/fleet`,
    servers,
    sentinel,
    /** Who is the primary, by the sentinel's word. */
    async primary(): Promise<RedisNode> {
      const [, port] = (await sentinel.redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "fleet")) as [string, string];
      return servers.find((server) => server.port === Number(port)) as RedisNode;
    },
    async close() {
      await Promise.all([sentinel, ...servers].map((node) => node.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type RedisSentinel = Awaited<ReturnType<typeof startRedisSentinel>>;
