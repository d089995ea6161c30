import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import type { Lifecycle } from "../runtime/lifecycle.ts";
import type { Log } from "../runtime/log.ts";
import { startLoop } from "../runtime/loop.ts";
import { keyPrefix } from "./prefix.ts";

export const ROLES = ["scheduler", "worker", "api", "bot"] as const;
export type Role = (typeof ROLES)[number];

/** A process of the fleet, as it was when it last said that it runs. */
export interface Presence {
  readonly role: Role;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: string;
  /** What it has to say of itself: numbers alone. */
  readonly facts: Readonly<Record<string, number>>;
  /** Its keyring's marks, in order (`telegram/key-marks`); none where it has no keyring. */
  readonly keys: readonly string[];
  /** How long ago that was, by Redis's clock. */
  readonly ageMs: number;
}

const BEAT_MS = 5_000;
/** Two beats may be lost; a process that was silent for longer hangs, is cut off, or has died without a word. */
export const SILENT_AFTER_MS = 3 * BEAT_MS;
/** One that has died is shown for so long, for whoever looks for it. */
const SHOWN_MS = 600_000;

/** By Redis's clock: those of the processes may differ. */
const SAY = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])`;

const keyOf = (prefix: string): string => `${keyPrefix(prefix)}:processes`;

/**
 * Has this process say every few seconds that it runs, until `lifecycle` closes: then it takes its leave. Whatever is
 * wrong with Redis keeps nobody from working.
 *
 * @param facts asked at each beat
 */
export function announcePresence(
  lifecycle: Lifecycle,
  options: {
    readonly redis: Redis;
    readonly prefix: string;
    readonly role: Role;
    readonly facts?: () => Readonly<Record<string, number>>;
    readonly keys?: readonly string[];
    readonly everyMs?: number;
    readonly log: Log;
  },
): void {
  const { redis, role, facts = () => ({}), keys = [], everyMs = BEAT_MS, log } = options;
  const key = keyOf(options.prefix);
  const id = randomUUID();
  const startedAt = new Date().toISOString();
  const beats = startLoop({
    name: "presence",
    everyMs,
    log,
    async turn() {
      const said = JSON.stringify({ role, host: hostname(), pid: process.pid, startedAt, facts: facts(), keys });
      await redis.eval(SAY, 1, key, id, said, SHOWN_MS);
      return "rest";
    },
  });
  lifecycle.own("presence", beats, async (loop) => {
    await loop.stop();
    await redis.hdel(key, id).catch(() => undefined);
  });
}

/** Every process that runs, and those that have died lately without taking their leave; the forgotten are removed. */
export async function readPresences(redis: Redis, prefix: string): Promise<Presence[]> {
  const key = keyOf(prefix);
  const [said, [seconds = 0, micros = 0]] = await Promise.all([redis.hgetall(key), redis.time()]);
  const now = Number(seconds) * 1_000 + Number(micros) / 1_000;
  const presences = Object.entries(said).flatMap(([id, text]): (Presence & { id: string })[] => {
    const space = text.indexOf(" ");
    const rest = JSON.parse(text.slice(space + 1)) as Omit<Presence, "ageMs">;
    return [{ id, ...rest, keys: rest.keys ?? [], ageMs: Math.max(0, Math.round(now - Number(text.slice(0, space)))) }];
  });
  const forgotten = presences.filter(({ ageMs }) => ageMs > SHOWN_MS);
  if (forgotten.length > 0) await redis.hdel(key, ...forgotten.map(({ id }) => id));
  return presences
    .filter(({ ageMs }) => ageMs <= SHOWN_MS)
    .map(({ id: _, ...presence }) => presence)
    .sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || a.startedAt.localeCompare(b.startedAt));
}
