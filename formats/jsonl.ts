import { z } from "zod";
import type { MessageEntity, MessageMedia, PeerRef } from "../db/message.ts";
import type { StoredMessage } from "../db/messages.ts";

/** 64-bit numbers are decimal strings, dates ISO 8601 in UTC. */
const bigintText = z
  .string()
  .regex(/^-?\d{1,20}$/)
  .transform(BigInt);
const time = z.iso.datetime().transform((text) => new Date(text));
const json = <T>() => z.custom<T>((value) => typeof value === "object" && value !== null);
const count = z.number().int().nullable();

const line = z.object({
  channelId: bigintText,
  id: z.number().int().positive(),
  kind: z.enum(["message", "service"]),
  date: time,
  editDate: time.nullable(),
  editHidden: z.boolean(),
  text: z.string(),
  entities: z.array(json<MessageEntity>()),
  media: json<MessageMedia>().nullable(),
  groupedId: bigintText.nullable(),
  forward: json<NonNullable<StoredMessage["forward"]>>().nullable(),
  reply: json<NonNullable<StoredMessage["reply"]>>().nullable(),
  from: json<PeerRef>().nullable(),
  author: z.string().nullable(),
  viaBotId: bigintText.nullable(),
  pinned: z.boolean(),
  silent: z.boolean(),
  noForwards: z.boolean(),
  service: json<NonNullable<StoredMessage["service"]>>().nullable(),
  stats: z.object({
    views: count,
    forwards: count,
    replies: count,
    reactions: json<NonNullable<StoredMessage["stats"]["reactions"]>>().nullable(),
    pollResults: json<NonNullable<StoredMessage["stats"]["pollResults"]>>().nullable(),
  }),
  deletedAt: time.nullable(),
  statsAt: time,
  revision: bigintText,
});

/** A stored message as one line of JSON, without its newline. Nothing is left out. */
export function toJsonLine(message: StoredMessage): string {
  return JSON.stringify(message, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

/**
 * The message of such a line.
 *
 * @throws ZodError or SyntaxError where it is none
 */
export function fromJsonLine(text: string): StoredMessage {
  return line.parse(JSON.parse(text));
}
