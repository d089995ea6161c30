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
    /** The methods that are paused, by name (`method-pauses.ts`). */
    methods: `${prefix}:flood-methods:${key}`,
    /** Who called a method lately, and who was flooded. */
    called: (method: string) => `${prefix}:called:${key}:${method}`,
    flooded: (method: string) => `${prefix}:flooded:${key}:${method}`,
  };
}

export type LimiterKeys = ReturnType<typeof limiterKeys>;

/** Redis's clock in whole milliseconds, as `now`. */
export const NOW = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Sets the flood key until now + ARGV[1] ms (never shortened), makes the limiter hand out nothing before, and tells
 * every process. One script: nobody takes a slot between the three.
 */
const PAUSE = `${NOW}
local ends = now + tonumber(ARGV[1])
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

const LOOK = `${NOW}
local next = tonumber(redis.call('hget', KEYS[3], 'nextRequest')) or now
return {redis.call('pttl', KEYS[1]), now, redis.call('hgetall', KEYS[2]), math.ceil(next - now)}`;

/** What holds an API ID now. */
export interface Pauses {
  /** How long the API ID is still paused, in milliseconds; 0 where it is not. */
  readonly leftMs: number;
  /** Redis's clock. */
  readonly now: number;
  /** Each paused method and its state, as `method-pauses.ts` writes it. */
  readonly methods: readonly (readonly [method: string, state: string])[];
  /** For how many milliseconds slots are given out; 0 or below where the next one is free. */
  readonly aheadMs: number;
}

/** One look, before each call. */
export async function lookAtPauses(redis: Redis, keys: LimiterKeys): Promise<Pauses> {
  const looked = await redis.eval(LOOK, 3, keys.flood, keys.methods, keys.settings);
  const [left, now, fields, aheadMs] = looked as [number, number, string[], number];
  const methods: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) methods.push([fields[at] ?? "", fields[at + 1] ?? ""]);
  return { leftMs: Math.max(0, left), now, methods, aheadMs };
}
