import type { PortableSession } from "../../formats/portable-session/session.ts";
import { writeSessionString } from "../../formats/portable-session/write.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { ApiIdRefused, AuthLost } from "../../telegram/errors.ts";
import { loginDependencies } from "../../telegram/from-config.ts";
import { addressOf } from "../../telegram/gramjs/addresses.ts";
import { connect } from "../../telegram/gramjs/connect.ts";
import { type ImportedSession, importSession } from "../../telegram/login/import-session.ts";
import type { CommandContext } from "../context.ts";
import { forOperators, openFleet } from "../log-in.ts";

type Takes = (
  session: PortableSession,
  how: Pick<ImportedSession, "tenantId" | "appId" | "telegramId" | "api">,
) => ReturnType<typeof importSession>;

/**
 * What takes sessions over, one at a time. Their own servers are never connected to: a session goes by the number of its
 * data center, as all of ours do. Ctrl-C ends the one under way, and leaves nothing of it here.
 */
export async function openTakeOver(context: CommandContext): Promise<Takes> {
  const { config, database, lifecycle, log } = context;
  const metrics = createMetrics();
  const fleet = await openFleet(context, metrics);
  const deps = loginDependencies(config, { database, fleet, metrics, clock, log });
  const abandon = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  lifecycle.own("import", abandon, async () => {
    abandon.abort();
    await running;
  });
  return (session, how) => {
    const { host, port } = addressOf(session.dcId, config.dataCenters);
    const apiId = how.api.apiId;
    const secret = writeSessionString({ ...session, address: host, port, apiId, userId: 0n }, "gramjs");
    const importing = importSession(deps, { ...how, secret, format: session.format }, connect, abandon.signal);
    running = importing.catch(() => undefined);
    return importing.catch((error: unknown) => {
      throw explained(error, apiId);
    });
  };
}

function explained(error: unknown, apiId: number): unknown {
  if (error instanceof AuthLost && error.errorName === "AUTH_KEY_DUPLICATED")
    return new OperatorError(
      "the program that it comes from was using it at this moment: Telegram has ended the session (AUTH_KEY_DUPLICATED); log in anew",
    );
  if (error instanceof AuthLost)
    return new OperatorError(
      `Telegram does not know it (${error.errorName}): it was logged out, or belongs to other data centers; nothing is kept`,
    );
  if (error instanceof ApiIdRefused) return new OperatorError(`Telegram refuses API ID ${apiId} (${error.errorName})`);
  return forOperators(error);
}
