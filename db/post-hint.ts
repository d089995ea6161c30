import type { PostCursor } from "./post-cursor.ts";

/** PostgreSQL's channel, in the sense of NOTIFY: each database has its own of that name. */
export const HINTS = "gramfleet_posts";

/** Which channels have changed, and the revision they have now. */
export type PostHint = ReadonlyMap<bigint, bigint>;

/** Too many channels to name them: everybody looks at all of theirs. */
export const LOOK_AT_ALL = "";
/** PostgreSQL takes payloads shorter than 8000 bytes. */
const MAX_BYTES = 7_999;
const ENTRY = /^(\d{1,19}):(\d{1,19})$/;

/** `channel:revision`, separated by spaces, or {@link LOOK_AT_ALL} where that is too long. */
export function encodeHint(hint: PostHint): string {
  const text = [...hint].map(([channelId, revision]) => `${channelId}:${revision}`).join(" ");
  return text.length > MAX_BYTES ? LOOK_AT_ALL : text;
}

/** Null: look at all. Also for what is not ours: anybody may notify, and to look once more does no harm. */
export function decodeHint(payload: string): PostHint | null {
  const hint = new Map<bigint, bigint>();
  for (const entry of payload.split(" ")) {
    const [, channelId, revision] = ENTRY.exec(entry) ?? [];
    if (channelId === undefined || revision === undefined) return null;
    hint.set(BigInt(channelId), BigInt(revision));
  }
  return hint;
}

/** Whether there is something to look for behind the cursor. Channels that it does not know are left to the next look. */
export function concerns(hint: PostHint | null, cursor: PostCursor): boolean {
  if (hint === null) return true;
  for (const [channelId, revision] of hint) {
    const position = cursor.get(channelId);
    if (position && (position.upTo !== null || position.revision < revision)) return true;
  }
  return false;
}
