import { type Handler, type Handlers, RpcError, type TlRequest } from "../dc/service.ts";
import { TlWriter } from "../tl/primitives.ts";
import { writeChannel, writeFullChannel } from "../tl/write-chat.ts";
import { encodeChats } from "../tl/write-messages.ts";
import { longArgument, objectArgument, objectsArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";

/** What a channel is, and joining and leaving, which gramfleet never does: they are for the people of the emulator. */
export function channelHandlers({ world, access }: ServiceDeps): Handlers {
  const getChannels: Handler = (request, context) => {
    const accountId = context.account();
    const inputs = objectsArgument(request, "id");
    return encodeChats(inputs.map((input) => viewOf(accountId, input)));
  };

  /** Even of a channel that the account has lost: that it is forbidden is the answer then. */
  const viewOf = (accountId: bigint, input: TlRequest) => {
    const known = world.channels.get(longArgument(input, "channelId"));
    const lost = known && access.view(accountId, known);
    return lost?.forbidden && longArgument(input, "accessHash") === lost.accessHash
      ? lost
      : access.view(accountId, access.channel(accountId, input));
  };

  const getFullChannel: Handler = (request, context) => {
    const accountId = context.account();
    const channel = access.channel(accountId, objectArgument(request, "channel"));
    const writer = new TlWriter(512);
    writeFullChannel(access.view(accountId, channel), access.availableMinId(accountId, channel), writer);
    return writer.finish();
  };

  const membership =
    (change: (accountId: bigint, channelId: bigint) => void): Handler =>
    (request, context) => {
      const accountId = context.account();
      const channel = access.channel(accountId, objectArgument(request, "channel"));
      change(accountId, channel.id);
      const writer = new TlWriter(256)
        .int(0x74ae4240)
        .vector([], () => {})
        .vector([], () => {});
      writer.vector([access.view(accountId, channel)], writeChannel);
      return writer
        .int(Math.floor(context.now / 1000))
        .int(0)
        .finish();
    };

  return new Map([
    ["channels.GetChannels", getChannels],
    ["channels.GetFullChannel", getFullChannel],
    ["channels.JoinChannel", membership((accountId, channelId) => world.join(accountId, channelId))],
    [
      "channels.LeaveChannel",
      membership((accountId, channelId) => {
        if (!world.users.get(accountId)?.joined.has(channelId)) throw new RpcError(400, "USER_NOT_PARTICIPANT");
        world.leave(accountId, channelId);
      }),
    ],
  ]);
}
