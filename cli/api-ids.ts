import { Command, InvalidArgumentError, Option } from "commander";
import { putInService, releasePinned } from "../db/api-id-outage.ts";
import { drainApiId, keepApiId } from "../db/api-ids.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { apiIdsInUse, findApiId } from "./api-ids-in-use.ts";
import type { RetireOptions } from "./api-ids-retire.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { wholeNumber, withCommonOptions } from "./options.ts";
import { ought0, painted } from "./output.ts";

export function apiIdsCommand(): Command {
  const apiIds = new Command("api-ids");
  const command = (name: string, says: string) => withCommonOptions(new Command(name).description(says));
  const ofOne = (name: string, says: string) => command(name, says).argument("<api_id>", "its number", parseApiId);
  apiIds.addCommand(
    command(
      "list",
      "the API IDs in use: their state, their sessions, and the accounts that Telegram took from them",
    ).action(list),
  );
  apiIds.addCommand(ofOne("drain", "let an API ID take no logins any more; its sessions go on").action(drain));
  apiIds.addCommand(
    ofOne("retire", "end an API ID's work: with no session left, or with a word on what becomes of those that are")
      .addOption(
        new Option("--sessions <fate>", "what becomes of the sessions pinned to it").choices(["log-out", "hold"]),
      )
      .option("--timeout <seconds>", "how long to wait for workers to log them out", wholeNumber(1), 300)
      .action(async (apiId: number, options: RetireOptions) =>
        (await import("./api-ids-retire.ts")).retire(apiId, options),
      ),
  );
  apiIds.addCommand(
    ofOne(
      "resume",
      "put an API ID back into service (refused, draining or retired), with the sessions held for it",
    ).action(resume),
  );
  return apiIds;
}

function parseApiId(text: string): number {
  const apiId = Number(text);
  if (!/^[1-9]\d{0,9}$/.test(text) || apiId > 2 ** 31 - 1)
    throw new InvalidArgumentError("it must be a whole number, such as 12345");
  return apiId;
}

async function list(options: CommonOptions): Promise<void> {
  await withContext(options, [], async (context) => {
    const rows = await apiIdsInUse(context);
    context.out.result(rows, () =>
      rows.length === 0
        ? "no API ID is configured (MASTER_API_IDS), and no session has one"
        : context.out.table(
            ["api_id", "state", "since", "sessions", "held", "frozen", "lost today", "reason", "tried again"],
            rows.map((row) => [
              row.apiId,
              row.state === "in service" ? row.state : painted(row.state === "draining" ? "yellow" : "red", row.state),
              row.retiredAt ?? row.outOfServiceAt ?? row.unconfiguredAt ?? row.drainingAt ?? row.firstSeenAt,
              row.sessions,
              row.held,
              ought0(row.frozen),
              ought0(row.frozenLately + row.bannedLately),
              row.reason,
              row.probeAt,
            ]),
          ),
    );
  });
}

async function drain(apiId: number, options: CommonOptions): Promise<void> {
  await withContext(options, [], async (context) => {
    const { retiredAt, sessions } = await findApiId(context, apiId);
    if (retiredAt) throw new OperatorError(`API ID ${apiId} is retired: it takes no logins`);
    await context.database.asWorker((tx) => drainApiId(tx, apiId));
    context.out.result(
      { apiId, draining: true, sessions },
      () =>
        `API ID ${apiId} takes no logins any more; its ${sessions} sessions go on ("gramfleet api-ids resume ${apiId}" takes that back)`,
    );
  });
}

/** Sessions given free by one transaction. */
const RELEASED_AT_ONCE = 1_000;

async function resume(apiId: number, options: CommonOptions): Promise<void> {
  await withContext(options, [], async (context) => {
    const { state } = await findApiId(context, apiId);
    if (state === "in service") throw new OperatorError(`API ID ${apiId} is in service`);
    if (state === "not configured")
      throw new OperatorError(
        `API ID ${apiId} is not configured: put it back into MASTER_API_IDS with its hash, and restart`,
      );
    const { database, out } = context;
    await database.asWorker(async (tx) => {
      await putInService(tx, apiId);
      await keepApiId(tx, apiId);
    });
    let released = 0;
    for (let now = RELEASED_AT_ONCE; now === RELEASED_AT_ONCE; released += now) {
      now = await database.asWorker((tx) => releasePinned(tx, apiId, RELEASED_AT_ONCE));
      out.progress(`${released + now} sessions released`);
    }
    out.result({ apiId, released }, () => `API ID ${apiId} is back in service: ${released} sessions released`);
  });
}
