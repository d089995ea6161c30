import { createHash } from "node:crypto";
import type { ChannelAudit, ControlChannel } from "./control-protocol.ts";
import type { WorldChannel } from "./world/model.ts";

/** What is in a channel now, for whoever compares it with what was stored. */
export function auditOf(channel: WorldChannel): ChannelAudit {
  return {
    id: channel.id,
    pts: channel.pts,
    messages: [...channel.messages.values()]
      .sort((a, b) => a.id - b.id)
      .map((message) => ({
        id: message.id,
        textDigest: createHash("sha256").update(message.message, "utf8").digest("hex"),
        edits: channel.edits.get(message.id) ?? 0,
        editDate: message.editDate,
        service: message.action !== null,
      })),
    deleted: [...channel.deleted].sort((a, b) => a - b),
    availableMinId: Object.fromEntries([...channel.availableMinId].map(([userId, id]) => [String(userId), id])),
  };
}

export function channelLine(channel: WorldChannel): ControlChannel {
  const { id, title, username, megagroup, isPrivate, isDeleted, exported, pts, topId, participants } = channel;
  return { id, title, username, megagroup, isPrivate, isDeleted, exported, pts, topId, participants };
}
