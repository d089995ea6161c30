import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import { TlWriter } from "../tl/primitives.ts";
import { writeChannel, writeUser } from "../tl/write-chat.ts";
import { writePeer } from "../tl/write-message-parts.ts";
import { textArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";

/** Letters, digits and underscores, a letter first, 4 to 32 (core.telegram.org/method/account.checkUsername). */
const USERNAME = /^[a-z]\w{3,31}$/i;

/** `contacts.resolveUsername`: how one gets from a name to an access hash. */
export function contactHandlers({ world, access }: ServiceDeps): Handlers {
  const resolveUsername: Handler = (request, context) => {
    const accountId = context.account();
    const username = textArgument(request, "username");
    if (!USERNAME.test(username)) throw new RpcError(400, "USERNAME_INVALID");
    const writer = new TlWriter(256).int(0x7f077ad9);
    const channel = world.channelByUsername(username);
    if (channel) {
      writePeer({ type: "channel", id: channel.id }, writer);
      return writer
        .vector([access.view(accountId, channel)], writeChannel)
        .vector([], () => {})
        .finish();
    }
    const wanted = username.toLowerCase();
    for (const user of world.users.values()) {
      if (user.username?.toLowerCase() !== wanted) continue;
      writePeer({ type: "user", id: user.id }, writer);
      writer.vector([], () => {});
      const seen = { self: user.id === accountId, accessHash: access.userHash(accountId, user.id) };
      return writer.vector([user], () => writeUser(user, seen, writer)).finish();
    }
    throw new RpcError(400, "USERNAME_NOT_OCCUPIED");
  };
  return new Map([["contacts.ResolveUsername", resolveUsername]]);
}
