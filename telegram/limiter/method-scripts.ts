import type { Redis } from "ioredis";
import { LONGEST_PAUSE_MS, PROBE_MS, type Spread, WINDOW_MS } from "../flood-scope.ts";
import { type LimiterKeys, NOW } from "./pause.ts";

/** A method that nobody calls any more is forgotten so long after its pause. */
const FORGET_MS = LONGEST_PAUSE_MS;

/** KEYS: methods. ARGV[1]: method, ARGV[2]: the channel that tells every process. */
const STATE = `${NOW}
local text = redis.call('hget', KEYS[1], ARGV[1])
local ends, length, probe, probeEnds
if text then
  ends, length, probe, probeEnds = string.match(text, '^(%d+) (%d+) (%S+) (%d+)$')
  ends, length, probeEnds = tonumber(ends), tonumber(length), tonumber(probeEnds)
end
local function write(untilMs, lengthMs, account, accountUntil)
  text = string.format('%.0f %.0f %s %.0f', untilMs, lengthMs, account, accountUntil)
  redis.call('hset', KEYS[1], ARGV[1], text)
  local forget = untilMs - now + ${FORGET_MS}
  if redis.call('pttl', KEYS[1]) < forget then redis.call('pexpire', KEYS[1], string.format('%.0f', forget)) end
  redis.call('publish', ARGV[2], 'message:paused')
end`;

/** ARGV[3]: milliseconds. A pause that runs, or waits for its probe, stays as it is. */
const BEGIN = `${STATE}
if not ends then write(now + tonumber(ARGV[3]), tonumber(ARGV[3]), '-', 0) end
return text`;

/** ARGV[3]: account. Takes the probe where the pause is over and nobody has it. */
const CLAIM = `${STATE}
if not ends then return {now, ''} end
if now >= ends and (probe == '-' or probe == ARGV[3] or now >= probeEnds) then
  write(ends, length, ARGV[3], now + ${PROBE_MS})
end
return {now, text}`;

/** ARGV[3]: account, ARGV[4]: ok, flood or nothing. Of a probe's call; of any other it changes nothing. */
const SETTLE = `${STATE}
if not ends or probe ~= ARGV[3] then return 0 end
if ARGV[4] == 'ok' then
  redis.call('hdel', KEYS[1], ARGV[1])
  redis.call('del', KEYS[2])
  redis.call('publish', ARGV[2], 'message:resumed')
elseif ARGV[4] == 'flood' then
  length = math.min(length * 2, ${LONGEST_PAUSE_MS})
  write(now + length, length, '-', 0)
else
  write(ends, length, '-', 0)
end
return 1`;

/** KEYS: called, flooded. ARGV[1]: who was flooded, "-" for nobody; ARGV[2]: seconds; then the accounts that called. */
const NOTE = `${NOW}
for index = 3, #ARGV do redis.call('zadd', KEYS[1], now, ARGV[index]) end
redis.call('pexpire', KEYS[1], ${WINDOW_MS})
redis.call('zremrangebyscore', KEYS[1], '-inf', string.format('(%.0f', now - ${WINDOW_MS}))
if ARGV[1] == '-' then return {0} end
redis.call('hset', KEYS[2], ARGV[1], string.format('%.0f %s', now, ARGV[2]))
redis.call('pexpire', KEYS[2], ${WINDOW_MS})
local answer = {redis.call('zcard', KEYS[1])}
local floods = redis.call('hgetall', KEYS[2])
for index = 1, #floods, 2 do
  local at, seconds = string.match(floods[index + 1], '^(%d+) (%d+)$')
  if tonumber(at) < now - ${WINDOW_MS} then redis.call('hdel', KEYS[2], floods[index])
  else answer[#answer + 1] = tonumber(seconds) end
end
return answer`;

/** Accounts that called the method, and one of them flooded or nobody. Gives what is known of all processes' accounts. */
export async function noteCalls(
  redis: Redis,
  keys: LimiterKeys,
  method: string,
  called: Iterable<bigint>,
  flooded: { readonly account: bigint; readonly seconds: number } | null,
): Promise<Spread> {
  const who = [flooded?.account.toString() ?? "-", flooded?.seconds ?? 0];
  const accounts = Array.from(called, String);
  const answer = await redis.eval(NOTE, 2, keys.called(method), keys.flooded(method), ...who, ...accounts);
  const [count = 0, ...waits] = answer as number[];
  return { called: count, waits };
}

export async function beginPause(redis: Redis, keys: LimiterKeys, method: string, milliseconds: number): Promise<void> {
  await redis.eval(BEGIN, 1, keys.methods, method, keys.channel, Math.ceil(milliseconds));
}

/** The method's state after the account has asked for the probe (empty: no pause), and Redis's clock. */
export async function claimProbe(
  redis: Redis,
  keys: LimiterKeys,
  method: string,
  account: bigint,
): Promise<{ readonly now: number; readonly state: string }> {
  const answer = await redis.eval(CLAIM, 1, keys.methods, method, keys.channel, account.toString());
  const [now, state] = answer as [number, string];
  return { now, state };
}

/** What came of the account's call: where it was the probe, the pause ends, doubles, or waits for another probe. */
export async function settleProbe(
  redis: Redis,
  keys: LimiterKeys,
  method: string,
  account: bigint,
  outcome: "ok" | "flood" | "nothing",
): Promise<boolean> {
  const given = [method, keys.channel, account.toString(), outcome];
  return Number(await redis.eval(SETTLE, 2, keys.methods, keys.flooded(method), ...given)) === 1;
}
