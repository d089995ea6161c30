import type { PageResult } from "../../db/messages.ts";

/** Told of a channel's new revision once it is committed: a hint for readers, nothing hangs on it. */
export type Changed = (channelId: bigint, revision: bigint) => void;

/** Tells of a committed page. Pins and other attributes alone are left for readers to find. */
export function announce(changed: Changed, channelId: bigint, page: PageResult): void {
  if (page.added + page.edited + page.deleted > 0) changed(channelId, page.revision);
}
