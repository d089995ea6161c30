import type { ChannelRef, HistoryPage } from "../api.ts";
import { RpcRefused } from "../errors.ts";
import { UNREADABLE_ANSWER } from "./classify.ts";
import type { MappedPage } from "./to-message.ts";

/*
 * One message with a constructor that our TL layer does not know makes the whole answer unreadable, since TL objects do
 * not say their length. Read again by id and in halves, only that one message is left out, by its id.
 */

type Page = HistoryPage & MappedPage;

interface Reads {
  history(
    channel: ChannelRef,
    page: { offsetId: number; limit: number; addOffset?: number; minId?: number },
  ): Promise<Page>;
  byId(channel: ChannelRef, ids: readonly number[]): Promise<Page>;
}

/** `channels.getMessages` takes 100 ids at most. */
const IDS_PER_CALL = 100;
/** Answers by id count what was asked for: taken for the channel's count, a page of it would seem to be all of it. */
const UNKNOWN_COUNT = Number.POSITIVE_INFINITY;
/** How far below a channel's top one that can be read is looked for, before the top is searched among all ids. */
const UNREADABLE_AT_TOP = 64;
/** Message ids have 31 bits. */
const HIGHEST_ID = 0x7fffffff;

/** Reads messages by id around those that cannot be read. @throws as `byId`, but for unreadable answers */
export async function idById(reads: Pick<Reads, "byId">, channel: ChannelRef, ids: readonly number[]): Promise<Page> {
  try {
    return await reads.byId(channel, ids);
  } catch (error) {
    if (!(error instanceof RpcRefused) || error.errorName !== UNREADABLE_ANSWER) throw error;
  }
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    return { messages: [], empty: [], skipped: [{ id: only, reason: "unknown constructor" }], pts: null, count: 0 };
  }
  const middle = Math.ceil(ids.length / 2);
  const first = await idById(reads, channel, ids.slice(0, middle));
  const second = await idById(reads, channel, ids.slice(middle));
  return joined(first, second);
}

/**
 * A history page around what cannot be read: the ids below its offset one by one, until there is something. Over ids
 * without a message, however many, it goes by bisection.
 */
export async function historyAround(
  reads: Reads,
  channel: ChannelRef,
  page: { readonly offsetId: number; readonly limit: number },
): Promise<Page> {
  const size = Math.min(page.limit, IDS_PER_CALL);
  let offset = page.offsetId > 0 ? page.offsetId : await offsetAtTop(reads, channel, size);
  while (offset > 1) {
    const lowest = Math.max(1, offset - size);
    const ids = Array.from({ length: offset - lowest }, (_, index) => offset - 1 - index);
    const found = await idById(reads, channel, ids);
    if (found.messages.length + found.skipped.length > 0) {
      const messages = [...found.messages].sort((a, b) => b.id - a.id);
      return { ...found, messages, count: UNKNOWN_COUNT };
    }
    offset = lowest > 1 ? (await newestBelow(reads, channel, lowest)) + 1 : 0;
  }
  return { messages: [], empty: [], skipped: [], pts: null, count: UNKNOWN_COUNT };
}

/** An id above the channel's newest, by less than a page where it can be told from one that can be read. */
async function offsetAtTop(reads: Reads, channel: ChannelRef, size: number): Promise<number> {
  const readable = await readableNearTop(reads, channel);
  const low = readable + size - 1;
  if (!(await isAbove(reads, channel, low, 0))) return low + 1;
  return (await bisect(reads, channel, { low, high: HIGHEST_ID, offsetId: 0 })) + 1;
}

/** The id of a message near the top that can be read, looked for in growing steps; 0 where none was met. */
async function readableNearTop(reads: Reads, channel: ChannelRef): Promise<number> {
  for (let addOffset = 1; addOffset <= UNREADABLE_AT_TOP; addOffset *= 2) {
    const id = await idAt(reads, channel, { offsetId: 0, addOffset });
    if (id !== "unreadable") return id;
  }
  return 0;
}

/** The id of the newest message below `offsetId`, whether it can be read or not; 0 where there is none. */
async function newestBelow(reads: Reads, channel: ChannelRef, offsetId: number): Promise<number> {
  const id = await idAt(reads, channel, { offsetId });
  return id === "unreadable" ? bisect(reads, channel, { low: 0, high: offsetId - 1, offsetId }) : id;
}

/** The id of the newest message below `offsetId` (0: of all), which is above `low` and not above `high`. */
async function bisect(
  reads: Reads,
  channel: ChannelRef,
  within: { readonly low: number; readonly high: number; readonly offsetId: number },
): Promise<number> {
  let { low, high } = within;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (await isAbove(reads, channel, middle, within.offsetId)) low = middle;
    else high = middle;
  }
  return high;
}

/** Whether there is a message above `minId` and below `offsetId` (0: at all), readable or not. */
async function isAbove(reads: Reads, channel: ChannelRef, minId: number, offsetId: number): Promise<boolean> {
  return (await idAt(reads, channel, { offsetId, minId })) !== 0;
}

/** The id of the one message at this place; 0 where there is none. */
async function idAt(
  reads: Reads,
  channel: ChannelRef,
  at: { readonly offsetId: number; readonly addOffset?: number; readonly minId?: number },
): Promise<number | "unreadable"> {
  try {
    const page = await reads.history(channel, { ...at, limit: 1 });
    return page.messages[0]?.id ?? page.skipped[0]?.id ?? 0;
  } catch (error) {
    if (!(error instanceof RpcRefused) || error.errorName !== UNREADABLE_ANSWER) throw error;
    return "unreadable";
  }
}

function joined(a: Page, b: Page): Page {
  return {
    messages: [...a.messages, ...b.messages],
    empty: [...a.empty, ...b.empty],
    skipped: [...a.skipped, ...b.skipped],
    pts: a.pts ?? b.pts,
    count: Math.max(a.count, b.count),
  };
}
