import { type Handler, type Handlers, RpcError } from "../dc/service.ts";
import { accountHandlers } from "./account.ts";
import { authHandlers } from "./auth.ts";
import { channelHandlers } from "./channels.ts";
import { contactHandlers } from "./contacts.ts";
import type { ServiceDeps } from "./deps.ts";
import { dialogHandlers } from "./dialogs.ts";
import { groupHandlers } from "./groups.ts";
import { helpHandlers } from "./help.ts";
import { historyHandlers } from "./history.ts";
import { qrLoginHandlers } from "./qr-login.ts";
import { updateHandlers } from "./updates.ts";
import { userHandlers } from "./users.ts";

/** Methods that every DC serves, whoever asks. */
const HOMELESS = /^(help|auth)\.|^account\.GetPassword$/;

/** Every API method that the emulator serves. */
export function createHandlers(deps: ServiceDeps): Handlers {
  const families = [
    helpHandlers(deps),
    authHandlers(deps),
    qrLoginHandlers(deps),
    accountHandlers(deps),
    userHandlers(deps),
    contactHandlers(deps),
    channelHandlers(deps),
    historyHandlers(deps),
    dialogHandlers(deps),
    groupHandlers(deps),
    updateHandlers(deps),
  ];
  const all = families.flatMap((family) => [...family]);
  return new Map(all.map(([name, handler]) => [name, HOMELESS.test(name) ? handler : atHome(deps, handler)]));
}

/** An account lives on one DC, and is sent there from others (core.telegram.org/api/datacenter). */
function atHome({ world }: ServiceDeps, handler: Handler): Handler {
  return (request, context) => {
    const user = world.users.get(context.account());
    if (!user) throw new RpcError(401, "AUTH_KEY_UNREGISTERED");
    if (user.dcId !== context.dcId) throw new RpcError(303, `USER_MIGRATE_${user.dcId}`);
    return handler(request, context);
  };
}
