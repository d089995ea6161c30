import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { Ticket } from "./ticket.ts";
import { type TicketBox, UnknownTicketKey } from "./ticket-box.ts";

/** A holder that has not said for so long that it lives is dead, and its tickets have expired. */
const HOLDER_LIVES_MS = 10_000;
/** Longer than a login takes to begin. */
const CLAIMED_MS = 90_000;
/** An ended ticket can be asked about for so long. */
const ENDED_KEPT_MS = 300_000;

/**
 * Tickets in Redis, by the hash of their ids: who reads Redis cannot use one. What a process with another keyring has
 * sealed is not there: nobody is kept from a new login by it.
 */
export interface TicketStore {
  save(name: string, ticket: Ticket): Promise<void>;
  load(name: string): Promise<Ticket | null>;
  /** True for one at a time, of all processes; to be given back. */
  claim(name: string): Promise<boolean>;
  unclaim(name: string): Promise<void>;
  /** Notes which ticket is the newest for something, for as long as it can be asked about. */
  remember(what: string, ticketId: string, lifeMs: number): Promise<void>;
  newest(what: string): Promise<string | null>;
  /** Says that this process lives; false where Redis had forgotten it, and with it whatever it has saved. */
  beat(holder: string): Promise<boolean>;
  lives(holder: string): Promise<boolean>;
  /** The process ends: its tickets have expired. */
  leave(holder: string): Promise<void>;
}

/** Under what a ticket is stored. */
export const nameOf = (ticketId: string): string => createHash("sha256").update(ticketId).digest("hex");

/** @param redis of a role whose commands fail while Redis is away */
export function createTicketStore(redis: Redis, prefix: string, box: TicketBox): TicketStore {
  const ticketKey = (name: string) => `{${prefix}}:ticket:${name}`;
  const claimKey = (name: string) => `{${prefix}}:ticket-begins:${name}`;
  const newestKey = (name: string) => `{${prefix}}:ticket-newest:${name}`;
  const holderKey = (holder: string) => `{${prefix}}:ticket-holder:${holder}`;
  const opened = (sealed: string, name: string): string | null => {
    try {
      return box.open(sealed, name);
    } catch (error) {
      if (error instanceof UnknownTicketKey) return null;
      throw error;
    }
  };
  return {
    async save(name, ticket) {
      const left = Math.max(0, ticket.endsAt.getTime() - Date.now());
      await redis.set(ticketKey(name), box.seal(encode(ticket), name), "PX", left + ENDED_KEPT_MS);
    },
    async load(name) {
      const sealed = await redis.get(ticketKey(name));
      const text = sealed === null ? null : opened(sealed, name);
      return text === null ? null : decode(text);
    },
    claim: async (name) => (await redis.set(claimKey(name), "1", "PX", CLAIMED_MS, "NX")) !== null,
    unclaim: async (name) => void (await redis.del(claimKey(name))),
    async remember(what, ticketId, lifeMs) {
      const name = nameOf(what);
      await redis.set(newestKey(name), box.seal(ticketId, name), "PX", lifeMs + ENDED_KEPT_MS);
    },
    async newest(what) {
      const name = nameOf(what);
      const sealed = await redis.get(newestKey(name));
      return sealed === null ? null : opened(sealed, name);
    },
    beat: async (holder) => (await redis.set(holderKey(holder), "1", "PX", HOLDER_LIVES_MS, "GET")) !== null,
    lives: async (holder) => (await redis.exists(holderKey(holder))) > 0,
    leave: async (holder) => void (await redis.del(holderKey(holder))),
  };
}

/** JSON whose bigints, bytes and dates come back as such. */
export function encode(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
    // As it is, before toJSON has made something else of it.
    const item = this[key];
    if (typeof item === "bigint") return { $long: item.toString() };
    if (item instanceof Date) return { $date: item.getTime() };
    if (Buffer.isBuffer(item)) return { $bytes: item.toString("base64") };
    return plain;
  });
}

/** What {@link encode} wrote: by a process of ours, so its shape is trusted. */
export function decode<T>(text: string): T {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null) return item;
    if ("$long" in item) return BigInt(String(item.$long));
    if ("$date" in item) return new Date(Number(item.$date));
    if ("$bytes" in item) return Buffer.from(String(item.$bytes), "base64");
    return item;
  }) as T;
}
