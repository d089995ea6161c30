import { type Handler, type Handlers, RpcError, type TlRequest } from "../dc/service.ts";
import { TlWriter } from "../tl/primitives.ts";
import { writeFullUser, writeUser } from "../tl/write-chat.ts";
import type { WorldUser } from "../world/model.ts";
import { longArgument, objectArgument, objectsArgument } from "./arguments.ts";
import type { ServiceDeps } from "./deps.ts";

/** People: oneself, and others whose access hash one has. */
export function userHandlers({ world, access }: ServiceDeps): Handlers {
  const user = (accountId: bigint, input: TlRequest): WorldUser => {
    const userId = input.className === "InputUserSelf" ? accountId : longArgument(input, "userId");
    const found = world.users.get(userId);
    const known = userId === accountId || longArgument(input, "accessHash") === access.userHash(accountId, userId);
    if (!found || !known) throw new RpcError(400, "USER_ID_INVALID");
    return found;
  };
  const seenBy = (accountId: bigint, { id }: WorldUser) => ({
    self: id === accountId,
    accessHash: access.userHash(accountId, id),
  });

  const getUsers: Handler = (request, context) => {
    const accountId = context.account();
    const found = objectsArgument(request, "id").map((input) => user(accountId, input));
    return new TlWriter(128).vector(found, (item, writer) => writeUser(item, seenBy(accountId, item), writer)).finish();
  };

  const getFullUser: Handler = (request, context) => {
    const accountId = context.account();
    const found = user(accountId, objectArgument(request, "id"));
    const writer = new TlWriter(256);
    writeFullUser(found, seenBy(accountId, found), writer);
    return writer.finish();
  };

  return new Map([
    ["users.GetUsers", getUsers],
    ["users.GetFullUser", getFullUser],
  ]);
}
