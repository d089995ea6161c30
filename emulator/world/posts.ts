import { composeAlbumMedia, composeMedia, composePoll, fileId } from "./media.ts";
import type { WorldAction, WorldChannel, WorldMessage, WorldPeer } from "./model.ts";
import { plainPost } from "./plain-post.ts";
import type { Random } from "./random.ts";
import { composeText, emoji, sentence, type Text } from "./texts.ts";

export type Post = Omit<WorldMessage, "id">;

const NO_TEXT: Text = { message: "", entities: [] };

/** What is posted at once: one post, or an album of two to six. `date` in Unix seconds. */
export function composePosts(random: Random, channel: WorldChannel, date: number): Post[] {
  return random.chance(0.06) ? composeAlbum(random, channel, date) : [composePost(random, channel, date)];
}

/** A post of a random kind. Replies go to earlier ids of the channel, deleted ones among them. */
export function composePost(random: Random, channel: WorldChannel, date: number): Post {
  const roll = random.next();
  if (roll < 0.04) return post(random, channel, date, { media: composePoll(random) });
  if (roll < 0.34) {
    const media = composeMedia(random);
    // Telegram takes no caption with these.
    const bare =
      media.kind !== "photo" && media.kind !== "web_page" && !(media.kind === "document" && captioned(media.as));
    return post(random, channel, date, { ...(bare || random.chance(0.2) ? NO_TEXT : composeText(random)), media });
  }
  if (roll < 0.42)
    return post(random, channel, date, { ...composeText(random), fwdFrom: composeForward(random, date) });
  if (roll < 0.52 && channel.topId > 1)
    return post(random, channel, date, { ...composeText(random), replyTo: composeReply(random, channel) });
  return post(random, channel, date, composeText(random));
}

/** An album: one groupedId, one date, the caption on its first post. */
export function composeAlbum(random: Random, channel: WorldChannel, date: number): Post[] {
  const groupedId = 13_000_000_000_000_000n + (fileId(random) & 0xffff_ffff_ffffn);
  return Array.from({ length: random.int(2, 6) }, (_, index) =>
    post(random, channel, date, {
      ...(index === 0 ? composeText(random) : NO_TEXT),
      media: composeAlbumMedia(random),
      groupedId,
    }),
  );
}

/** A service message. For `pin_message`, `pinnedId` is the message pinned. */
export function composeService(date: number, action: WorldAction, pinnedId: number | null = null): Post {
  const replyTo = pinnedId === null ? null : { ...NO_REPLY, msgId: pinnedId };
  return { ...plainPost("", date), action, replyTo };
}

export function composePhoto(random: Random): WorldAction {
  return {
    type: "chat_edit_photo",
    photo: { id: fileId(random), width: 640, height: 640, size: random.int(20_000, 99_999) },
  };
}

const NO_REPLY = { peer: null, topId: null, quoteText: null, quoteOffset: null };

function post(random: Random, channel: WorldChannel, date: number, parts: Partial<Post>): Post {
  return {
    ...plainPost("", date),
    postAuthor: !channel.megagroup && random.chance(0.3) ? random.pick(["Ada", "Жанна", "小李"]) : null,
    silent: random.chance(0.05),
    // Telegram tells both or neither; groups count neither.
    views: channel.megagroup ? null : random.int(1, 50_000),
    forwards: channel.megagroup ? null : random.int(0, 300),
    replies: random.chance(0.2) ? random.int(0, 90) : null,
    reactions: random.chance(0.4) ? composeReactions(random) : null,
    ...parts,
  };
}

function composeForward(random: Random, date: number): Post["fwdFrom"] {
  const origin = { date: date - random.int(60, 900_000), channelPost: null, postAuthor: null };
  if (random.chance(0.3)) return { ...origin, fromId: null, fromName: sentence(random).slice(0, 12).trim() };
  if (random.chance(0.2)) return { ...origin, fromId: peer("user", random.int(1_000, 999_999)), fromName: null };
  return {
    ...origin,
    fromId: peer("channel", 1_900_000_000 + random.int(0, 999_999)),
    fromName: null,
    channelPost: random.int(1, 9_999),
    postAuthor: random.chance(0.3) ? "Grace" : null,
  };
}

function composeReply(random: Random, channel: WorldChannel): Post["replyTo"] {
  if (random.chance(0.1))
    return { ...NO_REPLY, msgId: random.int(1, 9_999), peer: peer("channel", 1_900_000_000 + random.int(0, 999_999)) };
  const msgId = random.int(Math.max(1, channel.topId - 40), channel.topId);
  const original = channel.messages.get(msgId)?.message ?? "";
  if (original.length < 4 || random.chance(0.6)) return { ...NO_REPLY, msgId };
  const quoteText = original.slice(0, original.length - (isLowSurrogate(original, original.length - 1) ? 2 : 1));
  return { ...NO_REPLY, msgId, quoteText, quoteOffset: 0 };
}

function composeReactions(random: Random): Post["reactions"] {
  const values = random.sample(["👍", "❤", "🔥", "👎", "🎉"], random.int(1, 3));
  const reactions = values.map((value) => ({ kind: "emoji" as const, value, count: random.int(1, 400) }));
  if (!random.chance(0.15)) return reactions;
  const value = (5_368_324_170_671_202_286n + BigInt(random.int(0, 9))).toString();
  return [...reactions, { kind: "custom_emoji", value, count: random.int(1, 20) }];
}

const captioned = (as: string) => as !== "sticker" && as !== "round_video";
const peer = (type: WorldPeer["type"], id: number): WorldPeer => ({ type, id: BigInt(id) });
const isLowSurrogate = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

export const channelTitle = (random: Random): string => `${sentence(random).split(/[\s,،]/)[0]} ${emoji(random)}`;
