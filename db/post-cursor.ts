/**
 * How far a reader has come in one channel: every revision below `revision` is read, and of `revision` itself the
 * messages up to the id `upTo` (null: all of them). A page is stored under one revision, so a reader may stop within it.
 */
export interface PostPosition {
  readonly revision: bigint;
  readonly upTo: number | null;
}

/** How far a reader has come in each channel; one that is not in it has not been read at all. */
export type PostCursor = ReadonlyMap<bigint, PostPosition>;

/** Before everything. */
export const START: PostCursor = new Map();

/** The text is no cursor of ours. */
export class CursorMalformed extends Error {
  override name = "CursorMalformed";
}

/** As `(revision, message id)`: the id of a revision that is read whole, above all of Telegram's (int32). */
export const WHOLE = 0x7fffffff;
const MAX_INT8 = 2n ** 63n - 1n;
const VERSION = "1";
/** A channel's id, its revision, and the id that stops short of it, all hexadecimal. */
const ENTRY = /^([0-9a-f]{1,16})-([0-9a-f]{1,16})(?:-([0-9a-f]{1,8}))?$/;

/** One opaque string, safe in URLs and shells, about 15 characters a channel; the same for the same cursor. */
export function encodeCursor(cursor: PostCursor): string {
  const entries = [...cursor].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = entries.map(([channelId, { revision, upTo }]) =>
    [channelId, revision, ...(upTo === null ? [] : [upTo])].map((number) => number.toString(16)).join("-"),
  );
  return [VERSION, ...parts].join(".");
}

/** @throws CursorMalformed */
export function decodeCursor(text: string): PostCursor {
  const [version, ...parts] = text.split(".");
  if (version !== VERSION) throw new CursorMalformed("this is no cursor");
  const cursor = new Map<bigint, PostPosition>();
  for (const part of parts) {
    const [channelId, position] = readEntry(part);
    if (cursor.has(channelId)) throw new CursorMalformed("this cursor names a channel twice");
    cursor.set(channelId, position);
  }
  return cursor;
}

function readEntry(text: string): [bigint, PostPosition] {
  const [, channel, at, upTo] = ENTRY.exec(text) ?? [];
  if (channel === undefined || at === undefined) throw new CursorMalformed("this is no cursor");
  const channelId = BigInt(`0x${channel}`);
  const revision = BigInt(`0x${at}`);
  const id = upTo === undefined ? null : Number.parseInt(upTo, 16);
  if (channelId > MAX_INT8 || revision > MAX_INT8 || (id ?? 0) > WHOLE)
    throw new CursorMalformed("this cursor has a number that is too large");
  return [channelId, { revision, upTo: id }];
}

/** The cursor once this post is read, where the ones before it are. */
export function afterPost(
  cursor: PostCursor,
  post: { readonly channelId: bigint; readonly id: number; readonly revision: bigint },
): PostCursor {
  return new Map(cursor).set(post.channelId, { revision: post.revision, upTo: post.id });
}
