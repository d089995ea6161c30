import { z } from "zod";
import { ENDINGS, type EndingName } from "./end-sessions.ts";

/** What passes over the control socket: JSON, 64-bit numbers as decimal strings. */
const long = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);

export const ControlSummary = z.object({
  users: z.number(),
  channels: z.number(),
  pace: z.number(),
  trafficRunning: z.boolean(),
  /** What traffic has brought since the start; posts made over this socket are counted with it. */
  posts: z.number(),
  edits: z.number(),
  deletions: z.number(),
  calls: z.number(),
  callsByMethod: z.record(z.string(), z.number()),
  callsByApiId: z.record(z.string(), z.number()),
  outcomes: z.record(z.string(), z.number()),
  waits: z.number(),
  earlyCalls: z.number(),
  /** Calls sent after the client knew of a wait that was not over. */
  violations: z.number(),
  /** Keys killed because two connections used them. */
  keysKilled: z.number(),
  apiIdChanges: z.number(),
  connectionsOpen: z.number(),
  connectionsTotal: z.number(),
});

export const ControlAccount = z.object({
  telegramId: long,
  phone: z.string(),
  apiId: z.number(),
  dcId: z.number(),
  premium: z.boolean(),
  /** A StringSession. Secret, as emulated secrets go. */
  session: z.string(),
  /** Usernames of the channels joined; decimal ids of those without one. */
  follows: z.array(z.string()),
});

export const ControlChannel = z.object({
  id: long,
  title: z.string(),
  username: z.string().nullable(),
  megagroup: z.boolean(),
  isPrivate: z.boolean(),
  isDeleted: z.boolean(),
  /** Loaded from an export. */
  exported: z.boolean(),
  pts: z.number(),
  topId: z.number(),
  participants: z.number(),
});

export const ChannelAudit = z.object({
  id: long,
  pts: z.number(),
  /** In id order. */
  messages: z.array(
    z.object({
      id: z.number(),
      /** SHA-256 of the text in UTF-8, hexadecimal. */
      textDigest: z.string(),
      edits: z.number(),
      /** Unix seconds. */
      editDate: z.number().nullable(),
      service: z.boolean(),
    }),
  ),
  /** Ids without a message below the newest. */
  deleted: z.array(z.number()),
  /** The lowest id that a user may see, where that is not the first. */
  availableMinId: z.record(z.string(), z.number()),
});

export const TrafficRequest = z.object({ running: z.boolean() });
export const PostRequest = z.object({ channelId: long, text: z.string() });
export const EditRequest = z.object({ channelId: long, messageId: z.number().int(), text: z.string() });
export const DeleteRequest = z.object({ channelId: long, messageIds: z.array(z.number().int()) });
export const FloodRequest = z.object({
  accountIds: z.array(long).optional(),
  apiId: z.number().int().optional(),
  method: z.string().optional(),
  seconds: z.number().int().positive(),
});
export const TitleRequest = z.object({ channelId: long, title: z.string().min(1) });
export const UsernameRequest = z.object({ channelId: long, username: z.string().nullable() });
export const MemberRequest = z.object({ userId: long, channelId: long });
export const ChannelRequest = z.object({ channelId: long });
export const GroupRequest = z.object({ groupId: long, title: z.string(), members: z.array(long) });
export const MigrateRequest = z.object({ groupId: long, channelId: long });
export const ScanRequest = z.object({ link: z.string(), telegramId: long });
export const PersonRequest = z.object({
  id: long,
  phone: z.string().regex(/^\d+$/),
  firstName: z.string(),
  username: z.string().nullable().default(null),
  dcId: z.number().int().positive(),
  premium: z.boolean().default(false),
  /** The two-step password, null where there is none. */
  password: z.string().nullable().default(null),
});
/** An error instead of an answer, for each call that all of it fits; undone by taking back `id`. */
export const RefusalRequest = z.object({
  error: z.string().regex(/^[A-Z0-9_]+$/),
  code: z.number().int(),
  accountIds: z.array(long).optional(),
  apiId: z.number().int().optional(),
  method: z.string().optional(),
  channelId: long.optional(),
  times: z.number().int().positive().optional(),
});
export const TakeBackRequest = z.object({ id: z.number().int() });
export const Ordered = z.object({ id: z.number() });
/** Every session of the account is over, and each later call on it is answered so. */
export const EndSessionsRequest = z.object({
  telegramId: long,
  error: z.enum(Object.keys(ENDINGS) as [EndingName, ...EndingName[]]),
});
export const EndedSessions = z.object({ sessions: z.number() });
export const Posted = z.object({ messageId: z.number() });

export type ControlSummary = z.output<typeof ControlSummary>;
export type ControlAccount = z.output<typeof ControlAccount>;
export type ControlChannel = z.output<typeof ControlChannel>;
export type ChannelAudit = z.output<typeof ChannelAudit>;
export type RefusalRequest = z.output<typeof RefusalRequest>;
export type FloodRequest = z.output<typeof FloodRequest>;
export type PersonRequest = z.input<typeof PersonRequest>;

/** JSON with bigints as strings. */
export function controlJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => (typeof field === "bigint" ? field.toString() : field));
}
