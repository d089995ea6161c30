import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import type { GroupView } from "../tl/write-chat.ts";
import { encodeGroups } from "../tl/write-messages.ts";
import { longsArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";

/** Basic groups, as far as anybody needs them: what they are, and what they have become. */
export function groupHandlers({ world, access }: ServiceDeps): Handlers {
  const view = (accountId: bigint, id: bigint): GroupView => {
    const group = world.groups.get(id);
    const member = group?.members.has(accountId) ?? false;
    if (!group || !(member || group.removed.has(accountId))) throw new RpcError(400, "CHAT_ID_INVALID");
    const accessHash = group.migratedTo === null ? null : access.channelHash(accountId, group.migratedTo);
    return { group, member, accessHash };
  };

  const getChats: Handler = (request, context) => {
    const accountId = context.account();
    return encodeGroups(longsArgument(request, "id").map((id) => view(accountId, id)));
  };

  return new Map([["messages.GetChats", getChats]]);
}
