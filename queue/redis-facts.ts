import type { Redis } from "ioredis";
import { serversOf } from "./redis.ts";

/** What one Redis server says of itself. */
export interface RedisFacts {
  /** host:port, or `socket`. */
  readonly node: string;
  readonly version: string;
  readonly role: string;
  readonly loading: boolean;
  readonly usedBytes: number;
  /** 0: as much as the machine has. */
  readonly maxBytes: number;
  readonly policy: string;
  /** Whether what it knows outlives it: the append-only file, or snapshots. */
  readonly appendOnly: boolean;
  readonly roundTripMs: number;
  /** Its clock in the middle of the round trip, against ours: positive where it is ahead. */
  readonly aheadMs: number;
}

/** Of each server that there is: of a cluster every node. Rejects for a node that does not answer. */
export function readRedisFacts(
  redis: Redis,
): readonly { readonly node: string; readonly facts: Promise<RedisFacts> }[] {
  return serversOf(redis).map((server) => {
    const { path, host, port } = server.options;
    const node = path ? "socket" : `${host}:${port}`;
    return { node, facts: factsOf(server, node) };
  });
}

async function factsOf(server: Redis, node: string): Promise<RedisFacts> {
  const info = await server.info();
  const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  const began = performance.now();
  const [seconds = 0, micros = 0] = await server.time();
  const roundTripMs = performance.now() - began;
  return {
    node,
    version: of("redis_version"),
    role: of("role"),
    loading: of("loading") === "1",
    usedBytes: Number(of("used_memory")),
    maxBytes: Number(of("maxmemory")),
    policy: of("maxmemory_policy"),
    appendOnly: of("aof_enabled") === "1",
    roundTripMs,
    aheadMs: Number(seconds) * 1_000 + Number(micros) / 1_000 - (Date.now() - roundTripMs / 2),
  };
}
