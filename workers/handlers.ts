import type { Handlers } from "../queue/consumer.ts";
import { type BackfillDependencies, createBackfillChannel } from "./handlers/backfill-channel.ts";
import { createParseUser, type ParseDependencies } from "./handlers/parse-user.ts";
import { createReconcileChannel, type ReconcileDependencies } from "./handlers/reconcile-channel.ts";
import { createRevokeSession } from "./handlers/revoke-session.ts";
import { createVerifySession } from "./handlers/verify-session.ts";

/** What a worker does for each kind of job. */
export function createHandlers(deps: ParseDependencies & BackfillDependencies & ReconcileDependencies): Handlers {
  return {
    "parse-user": createParseUser(deps),
    "backfill-channel": createBackfillChannel(deps),
    "reconcile-channel": createReconcileChannel(deps),
    "verify-session": createVerifySession(deps),
    "revoke-session": createRevokeSession(deps),
  };
}
