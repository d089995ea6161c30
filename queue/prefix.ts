import type { Redis } from "ioredis";

/**
 * What the keys of a queue begin with. The hash tag keeps them in one slot of a Redis Cluster, as BullMQ's scripts and
 * transactions need. In a cluster it names the queue, so that queues spread over the nodes; one server has no use for that,
 * and keeps the names that it always had.
 */
export const keyPrefix = (prefix: string, redis?: Pick<Redis, "isCluster">, queue?: string): string =>
  redis?.isCluster && queue !== undefined ? `{${prefix}:${queue}}` : `{${prefix}}`;
