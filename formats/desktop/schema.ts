import { z } from "zod";

/**
 * Telegram Desktop's machine-readable export (`result.json`), the parts that gramfleet knows. Fields that it does not
 * know are kept, not refused: every version of Desktop adds some.
 */
const wholeNumber = z
  .number({ error: "must be a whole number below 2^53" })
  .int("must be a whole number")
  .nonnegative();
const size = wholeNumber;
const unixTime = z.string().regex(/^\d{1,12}$/, "must be seconds since 1970 as a string");
const localDate = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, "must be a date such as 2023-07-18T00:23:39");
const peerId = z.string().regex(/^(user|chat|channel)\d{1,19}$/, "must be userN, chatN or channelN");

/** Telegram's message ids have 31 bits (core.telegram.org/api/offsets); they begin at 1. */
export const messageId = wholeNumber.min(1, "must be 1 or more").max(0x7fffffff, "must fit 31 bits");
/** Bare channel ids, without the -100 of the Bot API. */
export const channelId = wholeNumber.min(1, "must be 1 or more");

const segment = z.looseObject({
  type: z.string(),
  text: z.string(),
  href: z.string().optional(),
  language: z.string().optional(),
  user_id: z.union([z.number(), z.bigint(), z.string()]).optional(),
  document_id: z.string().optional(),
  collapsed: z.boolean().optional(),
});
export type TextSegment = z.infer<typeof segment>;

const reaction = z.looseObject({
  type: z.string(),
  count: wholeNumber,
  emoji: z.string().optional(),
  document_id: z.string().optional(),
});

const poll = z.looseObject({
  question: z.string(),
  closed: z.boolean(),
  total_voters: wholeNumber,
  answers: z.array(z.looseObject({ text: z.string(), voters: wholeNumber, chosen: z.boolean() })),
});

const message = z.looseObject({
  id: messageId,
  type: z.enum(["message", "service"], { error: 'must be "message" or "service"' }),
  date: localDate,
  /** Missing in exports of old versions: `date` is then taken as UTC. */
  date_unixtime: unixTime.optional(),
  edited: localDate.optional(),
  edited_unixtime: unixTime.optional(),
  from: z.string().nullable().optional(),
  from_id: peerId.optional(),
  actor: z.string().nullable().optional(),
  actor_id: peerId.optional(),
  author: z.string().optional(),
  action: z.string().optional(),
  title: z.string().optional(),
  message_id: wholeNumber.optional(),
  forwarded_from: z.string().nullable().optional(),
  forwarded_from_id: peerId.optional(),
  reply_to_message_id: messageId.optional(),
  reply_to_peer_id: peerId.optional(),
  grouped_id: z.union([z.number(), z.bigint(), z.string().regex(/^\d{1,19}$/)]).optional(),
  photo: z.string().optional(),
  photo_file_size: size.optional(),
  file: z.string().optional(),
  file_name: z.string().optional(),
  file_size: size.optional(),
  thumbnail: z.string().optional(),
  thumbnail_file_size: size.optional(),
  media_type: z.string().optional(),
  media_spoiler: z.boolean().optional(),
  mime_type: z.string().optional(),
  sticker_emoji: z.string().optional(),
  performer: z.string().optional(),
  duration_seconds: wholeNumber.optional(),
  width: wholeNumber.optional(),
  height: wholeNumber.optional(),
  contact_information: z
    .looseObject({ first_name: z.string(), last_name: z.string(), phone_number: z.string() })
    .optional(),
  location_information: z.looseObject({ latitude: z.number(), longitude: z.number() }).nullable().optional(),
  place_name: z.string().optional(),
  address: z.string().optional(),
  poll: poll.optional(),
  reactions: z.array(reaction).optional(),
  text: z.union([z.string(), z.array(z.union([z.string(), segment]))]),
  text_entities: z.array(segment).optional(),
});
export type DesktopMessage = z.infer<typeof message>;

/** A message of a kind that Desktop could not read either: it gives no more than the id. */
const unsupported = z.looseObject({ id: messageId, type: z.literal("unsupported") });

export const CHANNEL_TYPES = ["public_channel", "private_channel", "public_supergroup", "private_supergroup"] as const;
export type DesktopChannelType = (typeof CHANNEL_TYPES)[number];

export const desktopChannel = z.looseObject({
  name: z.string().nullable(),
  type: z.enum(CHANNEL_TYPES, { error: `must be one of ${CHANNEL_TYPES.join(", ")}` }),
  id: channelId,
  messages: z.array(z.unknown()),
});
export { message as knownMessage, unsupported as unsupportedMessage };

/** One channel of an export. */
export interface DesktopChannel {
  readonly name: string;
  readonly type: DesktopChannelType;
  readonly id: number;
  /** In id order. */
  readonly messages: readonly DesktopMessage[];
  /** Ids of messages that Desktop lists as `unsupported`, without content. */
  readonly unsupported: readonly number[];
}
