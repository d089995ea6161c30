import { createHmac } from "node:crypto";
import { RpcError, type TlRequest } from "../dc/service.ts";
import type { ChannelView } from "../tl/write-chat.ts";
import type { World, WorldChannel } from "../world/model.ts";
import { longArgument } from "./arguments.ts";

/** Who may reach what, and by which access hash (core.telegram.org/api/access-hash). */
export interface Access {
  channelHash(accountId: bigint, channelId: bigint): bigint;
  userHash(accountId: bigint, userId: bigint): bigint;
  view(accountId: bigint, channel: WorldChannel): ChannelView;
  /**
   * The channel that an InputChannel or InputPeer means.
   * @throws RpcError CHANNEL_INVALID for a hash of another account's, CHANNEL_PRIVATE where the account may not look,
   *   PEER_ID_INVALID for what is no channel. A deleted channel is CHANNEL_PRIVATE to those who were in it, as users
   *   report; what others get is not known: here CHANNEL_INVALID
   */
  channel(accountId: bigint, input: TlRequest): WorldChannel;
  isMember(accountId: bigint, channel: WorldChannel): boolean;
  /** The lowest message id that the account may see, 0 where it sees all. */
  availableMinId(accountId: bigint, channel: WorldChannel): number;
}

export function createAccess(world: World, secret: Buffer): Access {
  const known = new Map<string, bigint>();
  const hash = (what: string): bigint => {
    let value = known.get(what);
    if (value === undefined) {
      value = createHmac("sha256", secret).update(what).digest().readBigInt64LE(0);
      known.set(what, value);
    }
    return value;
  };
  const access: Access = {
    channelHash: (accountId, channelId) => hash(`channel:${accountId}:${channelId}`),
    userHash: (accountId, userId) => hash(`user:${accountId}:${userId}`),
    view: (accountId, channel) => ({
      channel,
      accessHash: access.channelHash(accountId, channel.id),
      joined: access.isMember(accountId, channel),
      forbidden: channel.isDeleted || channel.banned.has(accountId),
    }),
    channel(accountId, input) {
      if (input.className === "InputChannelEmpty") throw new RpcError(400, "CHANNEL_INVALID");
      if (input.className !== "InputChannel" && input.className !== "InputPeerChannel") {
        throw new RpcError(400, "PEER_ID_INVALID");
      }
      const channel = world.channels.get(longArgument(input, "channelId"));
      if (!channel || longArgument(input, "accessHash") !== access.channelHash(accountId, channel.id)) {
        throw new RpcError(400, "CHANNEL_INVALID");
      }
      const isMember = access.isMember(accountId, channel);
      if (channel.isDeleted && !isMember) throw new RpcError(400, "CHANNEL_INVALID");
      if (channel.isDeleted || channel.banned.has(accountId) || (channel.isPrivate && !isMember))
        throw new RpcError(400, "CHANNEL_PRIVATE");
      return channel;
    },
    isMember: (accountId, channel) => world.users.get(accountId)?.joined.has(channel.id) ?? false,
    availableMinId: (accountId, channel) => channel.availableMinId.get(accountId) ?? 0,
  };
  return access;
}
