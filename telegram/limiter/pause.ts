import type { Redis } from "ioredis";

/** The keys of one API ID's limiter: one hash tag, so that they share a slot of a Redis Cluster. */
export function limiterKeys(prefix: string, apiId: number) {
  const group = `${prefix}-`;
  const key = `{api:${apiId}}`;
  return {
    /** Bottleneck names a limiter `<group>-<key>`, and its settings hash after that. */
    group: group.slice(0, -1),
    key,
    settings: `b_${group}${key}_settings`,
    channel: `b_${group}${key}`,
    flood: `${prefix}:flood:${key}`,
  };
}

export type LimiterKeys = ReturnType<typeof limiterKeys>;

/**
 * Sets the flood key until now + ARGV[1] ms (never shortened), makes the limiter hand out nothing before, and tells
 * every process. One script: nobody takes a slot between the three.
 */
const PAUSE = `
local time = redis.call('time')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
if redis.call('pttl', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('set', KEYS[1], '1', 'PXAT', string.format('%.0f', ends))
end
local next = tonumber(redis.call('hget', KEYS[2], 'nextRequest'))
if next and next < ends then
  redis.call('hset', KEYS[2], 'nextRequest', string.format('%.0f', ends))
end
redis.call('publish', ARGV[2], 'message:paused')
return redis.call('pttl', KEYS[1])`;

/** Pauses the API ID for all processes. Gives how long it is paused now, in milliseconds. */
export async function setPause(redis: Redis, keys: LimiterKeys, milliseconds: number): Promise<number> {
  return Number(await redis.eval(PAUSE, 2, keys.flood, keys.settings, Math.ceil(milliseconds), keys.channel));
}

/** How long the API ID is still paused, in milliseconds; 0 where it is not. */
export async function pauseLeft(redis: Redis, keys: LimiterKeys): Promise<number> {
  return Math.max(0, await redis.pttl(keys.flood));
}
