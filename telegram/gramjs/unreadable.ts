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
      return { ...found, messages: [...found.messages].sort((a, b) => b.id - a.id) };
    }
  }
  return { messages: [], empty: [], skipped: [], pts: null, count: 0 };
}

/** The id of the newest message that can be read. */
async function firstReadable(reads: Reads, channel: ChannelRef): Promise<number> {
  for (let addOffset = 1; addOffset <= UNREADABLE_AT_TOP; addOffset *= 2) {
    try {
      const page = await reads.history(channel, { offsetId: 0, limit: 1, addOffset });
      return page.messages[0]?.id ?? 0;
    } catch (error) {
      if (!(error instanceof RpcRefused) || error.errorName !== UNREADABLE_ANSWER) throw error;
    }
  }
  throw new RpcRefused(UNREADABLE_ANSWER, "messages.getHistory", 0);
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
