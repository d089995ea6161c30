import { loadConfig } from "../../config/load.ts";
import type { PortableSession } from "../../formats/portable-session/session.ts";
import { SessionRefused } from "../../formats/portable-session/session.ts";
import { readSessionString } from "../../formats/portable-session/strings.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { ask } from "../ask.ts";
import { type CommonOptions, withContext } from "../context.ts";
import { commandEnvironment, dataDirOf } from "../environment.ts";
import { createOutput } from "../output.ts";
import { parseTelegramId } from "../telegram-id.ts";
import { chooseApi } from "./api-choice.ts";
import { confirmStopped } from "./confirm.ts";
import { describe, linesOf, whyNot } from "./description.ts";
import { readFileAt, readStream } from "./source.ts";
import { openTakeOver } from "./take-over.ts";

export interface ImportOptions extends CommonOptions {
  readonly string?: string;
  readonly file?: string;
  readonly telegramId?: string;
  readonly tenantId: string;
  readonly appId?: string;
  readonly apiId?: number;
  readonly apiHash?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Reads a session, says what it is, and unless that was all that was asked for, takes it over. */
export async function importOne(options: ImportOptions): Promise<void> {
  const telegramId = options.telegramId === undefined ? null : parseTelegramId(options.telegramId);
  const session = await readGiven(options);
  // No database is needed to say what it is.
  const config = loadConfig(commandEnvironment(dataDirOf(options)).env);
  const configured = config.dataCenters?.addresses ?? null;
  const described = describe(session, configured);
  if (options.dryRun) {
    createOutput({ json: options.json ?? false }).result(described, () => linesOf(described));
    return;
  }
  const refused = whyNot(described, configured);
  if (refused) throw new OperatorError(`not imported: ${refused}`);
  if (telegramId !== null && session.userId !== null && session.userId !== telegramId)
    throw new OperatorError(`not imported: it is account ${session.userId}'s, not ${telegramId}'s`);
  const api = await chooseApi(config, session.apiId, options);
  if (!options.yes) await confirmStopped();
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { tenantId } = context;
    const { appId } = options;
    const takeOver = await openTakeOver(context);
    context.out.progress("asking Telegram whose it is");
    const taken = await takeOver(session, { tenantId, telegramId, api, ...(appId === undefined ? {} : { appId }) });
    const { id, state, apiId } = taken.session;
    context.out.result(
      { telegramId: taken.me.id, sessionId: id, state, apiId, format: session.format, keySha256: described.keySha256 },
      () => [
        `${taken.me.id}${taken.me.firstName ? ` (${taken.me.firstName})` : ""} is taken over from ${session.format}`,
        `delete the session where it came from; next: gramfleet channels add ${taken.me.id} <channel>`,
      ],
    );
  });
}

async function readGiven({ string, file }: ImportOptions): Promise<PortableSession> {
  if (string !== undefined && file !== undefined)
    throw new OperatorError("give --string or --file, not both", { exitCode: 2 });
  try {
    if (file !== undefined) return await readFileAt(file);
    if (string === "-") return await readStream(process.stdin);
    return readSessionString(string ?? (await ask("session string", { secret: true, flag: "--string - or --file" })));
  } catch (error) {
    if (!(error instanceof SessionRefused)) throw error;
    throw new OperatorError(`${file ?? "the string"} is no session to import: ${error.message} (${error.reason})`);
  }
}
