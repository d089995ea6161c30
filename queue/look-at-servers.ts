import type { Redis } from "ioredis";
import { serversOf } from "./redis.ts";

/** One Redis server as it answers now. */
export interface ServerLook {
  /** Its host and port; the sentinels' name for it; `socket` where it is reached by one. */
  readonly node: string;
  /** Null where it does not answer. */
  readonly answer: {
    readonly seconds: number;
    readonly usedBytes: number;
    /** 0: it has no limit of its own. */
    readonly maxBytes: number;
  } | null;
}

/** Asks each server that there is how it does, over a connection that fails rather than waits. */
export function lookAtServers(redis: Redis): Promise<ServerLook[]> {
  return Promise.all(
    serversOf(redis).map(async (server) => {
      const node = nameOf(server);
      try {
        const askedAt = performance.now();
        await server.ping();
        const seconds = (performance.now() - askedAt) / 1_000;
        const info = await server.info("memory");
        const bytes = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
        return { node, answer: { seconds, usedBytes: bytes("used_memory"), maxBytes: bytes("maxmemory") } };
      } catch {
        return { node, answer: null };
      }
    }),
  );
}

function nameOf({ options: { path, host, port, sentinels, name } }: Redis): string {
  if (sentinels?.length && name) return name;
  return path ? "socket" : `${host}:${port}`;
}
