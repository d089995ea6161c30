import Bottleneck from "bottleneck";
import type { Cluster, Redis } from "ioredis";

/** What Bottleneck's connection has beyond its types, as far as it is mended here (bottleneck 2.19). */
interface Internals {
  __scriptFn__(name: string): (...args: unknown[]) => Promise<unknown>;
}

const CLIENT_CLOCK = "local now = tonumber(ARGV[1])";
const SERVER_CLOCK = `
  local time = redis.call('time')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;
const FRACTIONAL_TTL = "local ttl = (nextRequest + groupTimeout) - now";
const SLOT_A_JOB = "local newNextRequest = now + wait + minTime";
const SLOTS_BY_WEIGHT = `${SLOT_A_JOB} * weight`;
const WHOLE_TTL = "local ttl = math.floor(nextRequest + groupTimeout - now)";
/** What a limiter does once, when it is new. */
const SET_UP: readonly string[] = ["init", "register_client"];
/** The longest that a timer takes. */
const WITHOUT_TIMEOUT_MS = 2 ** 31 - 1;
const SET_UP_AGAIN_MS = 250;
/** Errors that Bottleneck has its own answer to. */
const ANSWERED: readonly string[] = ["SETTINGS_KEY_NOT_FOUND", "UNKNOWN_CLIENT"];

/**
 * Bottleneck's connection over our Redis client, with five cures and one change:
 *
 * - Redis 7 prefixes script errors with `ERR `, and Bottleneck compares messages exactly: without the cure every
 *   schedule fails for good after FLUSHALL, or after ten seconds of a client's silence.
 * - Its scripts take the time from the caller. One machine whose clock is an hour ahead would hold everybody up for an
 *   hour: here they take it from Redis.
 * - A `minTime` that is no whole number (30 calls a second) makes its PEXPIRE fail, and nothing is scheduled any more.
 * - A limiter whose setting up fails, since Redis goes away just then, would fail for good: it is tried until it succeeds.
 * - Its subscriptions wait for Redis, where a client without an offline queue would lose them, or end the process when
 *   one is given up.
 * - A job's weight counts its calls: the next job comes after as many times `minTime`, so that several calls that wait
 *   take their slots in one job.
 */
export function createLimiterConnection(client: Redis): Bottleneck.IORedisConnection {
  const define = client.defineCommand.bind(client);
  client.defineCommand = (name, definition) => {
    const known = definition.lua.includes(CLIENT_CLOCK) && (name !== "register" || definition.lua.includes(SLOT_A_JOB));
    if (!known) throw new Error(`Bottleneck's script ${name} is not the one known`);
    const lua = definition.lua
      .replace(CLIENT_CLOCK, SERVER_CLOCK)
      .replace(FRACTIONAL_TTL, WHOLE_TTL)
      .replace(SLOT_A_JOB, SLOTS_BY_WEIGHT);
    define(name, { ...definition, lua });
  };
  const patient = { maxRetriesPerRequest: null, commandTimeout: WITHOUT_TIMEOUT_MS };
  if (client.isCluster) {
    const cluster = client as unknown as Cluster;
    const duplicate = cluster.duplicate.bind(cluster);
    cluster.duplicate = () => duplicate([], { enableOfflineQueue: true, redisOptions: patient });
  } else {
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (override) => duplicate({ ...override, enableOfflineQueue: true, ...patient });
  }
  // It makes no connection of its own, but would look for ioredis as a file all the same, where a build has it within.
  const connection = new Bottleneck.IORedisConnection({ client, Redis: {} });
  const internals = connection as unknown as Internals;
  const original = internals.__scriptFn__.bind(connection);
  internals.__scriptFn__ = (name) => {
    const call = original(name);
    return (...args) => {
      const answer = args.pop() as (error: Error | null, reply?: unknown) => void;
      const ask = () => {
        const done = call(...args, (error: Error | null, reply?: unknown) => {
          if (error?.message.startsWith("ERR ")) error.message = error.message.slice("ERR ".length);
          const failed = error ? !ANSWERED.includes(error.message) : false;
          if (failed && SET_UP.includes(name) && client.status !== "end") setTimeout(ask, SET_UP_AGAIN_MS);
          else answer(error, reply);
        });
        // The callback has the error; the promise beside it must not count as unhandled.
        done.catch(() => undefined);
        return done;
      };
      return ask();
    };
  };
  return connection;
}
