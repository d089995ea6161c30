import type { PageResult } from "../../db/messages.ts";
import { currentSpan } from "../../runtime/tracing.ts";

/** Says of the commit that is being made that it is a page's, and what it stores. */
export function tracePage(channelId: bigint, page: PageResult): void {
  const commit = currentSpan();
  commit.rename("commit page");
  commit.set({
    "gramfleet.channel_id": channelId,
    "gramfleet.messages.added": page.added,
    "gramfleet.messages.edited": page.edited,
    "gramfleet.messages.deleted": page.deleted,
  });
}
