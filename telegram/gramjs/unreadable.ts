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
  history(channel: ChannelRef, page: { offsetId: number; limit: number; addOffset?: number }): Promise<Page>;
  byId(channel: ChannelRef, ids: readonly number[]): Promise<Page>;
}

/** `channels.getMessages` takes 100 ids at most. */
const IDS_PER_CALL = 100;
/** Answers by id count what was asked for: taken for the channel's count, a page of it would seem to be all of it. */
const UNKNOWN_COUNT = Number.POSITIVE_INFINITY;
/** How many unreadable messages at a channel's top are passed over before it is given up. */
const UNREADABLE_AT_TOP = 64;

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
 * A history page around what cannot be read: the ids below its offset one by one, until there is something.
 *
 * @throws RpcRefused where nothing at the channel's top can be read
 */
export async function historyAround(
  reads: Reads,
  channel: ChannelRef,
  page: { readonly offsetId: number; readonly limit: number },
): Promise<Page> {
  const offset = page.offsetId > 0 ? page.offsetId : (await firstReadable(reads, channel)) + IDS_PER_CALL;
  for (let top = offset - 1; top > 0; top -= page.limit) {
    const ids = Array.from({ length: Math.min(page.limit, IDS_PER_CALL, top) }, (_, index) => top - index);
    const found = await idById(reads, channel, ids);
    if (found.messages.length + found.skipped.length > 0) {
      const messages = [...found.messages].sort((a, b) => b.id - a.id);
      return { ...found, messages, count: UNKNOWN_COUNT };
    }
  }
  return { messages: [], empty: [], skipped: [], pts: null, count: UNKNOWN_COUNT };
}

/**
 * The id of the newest message that can be read, or of one a little older: looked for in growing steps, and where these
 * lead beyond the channel's end, between the last two.
 */
async function firstReadable(reads: Reads, channel: ChannelRef): Promise<number> {
  let unreadable = 0;
  let beyond = UNREADABLE_AT_TOP + 1;
  for (let addOffset = 1; addOffset < beyond; ) {
    const id = await idAt(reads, channel, addOffset);
    if (typeof id === "number") return id;
    if (id === "unreadable") unreadable = addOffset;
    else beyond = addOffset;
    const known = beyond <= UNREADABLE_AT_TOP;
    addOffset = known ? Math.max(unreadable + 1, (unreadable + beyond) >> 1) : addOffset * 2;
  }
  throw new RpcRefused(UNREADABLE_ANSWER, "messages.getHistory", 0);
}

async function idAt(reads: Reads, channel: ChannelRef, addOffset: number): Promise<number | "unreadable" | "nothing"> {
  try {
    const page = await reads.history(channel, { offsetId: 0, limit: 1, addOffset });
    return page.messages[0]?.id ?? page.skipped[0]?.id ?? "nothing";
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
