import { Command, InvalidArgumentError } from "commander";
import { type ApiIdInUse, listApiIds, putInService } from "../db/api-ids.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { painted } from "./output.ts";

export function apiIdsCommand(): Command {
  const apiIds = new Command("api-ids");
  apiIds.addCommand(
    withCommonOptions(
      new Command("list").description("the API IDs in use: their sessions, and whether Telegram refused one"),
    ).action(list),
  );
  apiIds.addCommand(
    withCommonOptions(
      new Command("resume")
        .description("put an API ID that Telegram refused back into service, with the sessions held for it")
        .argument("<api_id>", "its number", parseApiId),
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

/** API IDs with no session yet are those of the configuration. */
async function inUse({ database, config }: Parameters<Parameters<typeof withContext>[2]>[0]): Promise<ApiIdInUse[]> {
  const known = await database.asWorker(listApiIds);
  const { masters, backup } = config.apiIds;
  const configured = [...masters, ...(backup ? [backup] : [])].map(({ apiId }) => apiId);
  const unused = configured.filter((apiId) => !known.some((each) => each.apiId === apiId));
  return [
    ...known,
    ...unused.map((apiId) => ({ apiId, outOfServiceAt: null, reason: null, sessions: 0, held: 0 })),
  ].sort((a, b) => a.apiId - b.apiId);
}

async function list(options: CommonOptions): Promise<void> {
  await withContext(options, [], async (context) => {
    const rows = await inUse(context);
    context.out.result(rows, () =>
      rows.length === 0
        ? "no API ID is configured (MASTER_API_IDS), and no session has one"
        : context.out.table(
            ["api_id", "sessions", "held", "out of service since", "reason"],
            rows.map((row) => [row.apiId, row.sessions, row.held, painted("red", row.outOfServiceAt), row.reason]),
          ),
    );
  });
}

async function resume(apiId: number, options: CommonOptions): Promise<void> {
  await withContext(options, [], async (context) => {
    const known = (await inUse(context)).find((each) => each.apiId === apiId);
    if (!known) throw new OperatorError(`no API ID ${apiId} here: see "gramfleet api-ids list"`);
    if (known.outOfServiceAt === null) throw new OperatorError(`API ID ${apiId} is in service`);
    const released = await context.database.asWorker((tx) => putInService(tx, apiId));
    context.out.result({ apiId, released }, () => `API ID ${apiId} is back in service: ${released} sessions released`);
  });
}
