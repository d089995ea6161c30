import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { sessionOfUser } from "../db/sessions.ts";
import { findUser } from "../db/users.ts";
import { SessionRefused } from "../formats/portable-session/session.ts";
import { readSessionString } from "../formats/portable-session/strings.ts";
import { type WrittenFormat, writeSessionString } from "../formats/portable-session/write.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { sleep } from "../runtime/sleep.ts";
import { exportSession, SessionBusy } from "../telegram/export-session.ts";
import { addressOf } from "../telegram/gramjs/addresses.ts";
import { type CommandContext, type CommonOptions, withContext } from "./context.ts";
import { openFleet } from "./log-in.ts";
import { parseTelegramId } from "./telegram-id.ts";
import { unknownUser } from "./user.ts";

export interface ExportOptions extends CommonOptions {
  readonly format: WrittenFormat;
  readonly out: string;
  readonly iKnowWhatThisIs: boolean;
  readonly tenantId: string;
}

/** A parse takes seconds; one that goes on for longer is waited for again by whoever calls again. */
const WAITS_MS = 30_000;
const LOOKS_EVERY_MS = 250;

/** Writes a session's key to a file of its own. Never to a stream: what is shown is kept by terminals and logs. */
export async function exportOne(id: string, options: ExportOptions): Promise<void> {
  const telegramId = parseTelegramId(id);
  const { format, out } = options;
  if (!options.iKnowWhatThisIs)
    throw new OperatorError(
      "whoever has that file has the whole account, without code or password: say --i-know-what-this-is to write it",
      { exitCode: 2 },
    );
  await withContext(options, ["redis", "api-ids", "keyring"], async (context) => {
    const { config, database } = context;
    const session = await context.inTenant(async (tx) => {
      const user = await findUser(tx, telegramId);
      if (!user) throw unknownUser(telegramId);
      return sessionOfUser(tx, user.id);
    });
    if (!session) throw new OperatorError(`${telegramId} has no session: gramfleet sessions login ${telegramId}`);
    const fleet = await openFleet(context, createMetrics());
    const file = await newFile(out);
    let written = false;
    try {
      await patiently(context, () =>
        exportSession({ database, fleet }, session.id, {
          format,
          convert(secret, { apiId }) {
            const { dcId, authKey } = readSessionString(secret);
            const { host: address, port } = addressOf(dcId, config.dataCenters);
            return writeSessionString({ dcId, address, port, authKey, apiId, userId: telegramId }, format);
          },
          async write(text) {
            await file.writeFile(`${text}\n`);
            await file.sync();
            written = true;
          },
        }),
      );
    } catch (error) {
      throw error instanceof SessionRefused ? new OperatorError(`not exported: ${error.message}`) : error;
    } finally {
      await file.close();
      if (!written) await rm(out, { force: true });
    }
    context.out.result({ telegramId, sessionId: session.id, format, file: out, parked: true }, () => [
      `${telegramId}: its key is in ${out}, and it is parked here: where two use one session, Telegram ends it`,
      `once no other program uses it, and the file is gone: gramfleet sessions unpark ${telegramId}`,
    ]);
  });
}

/** A worker may be reading by it just now. */
async function patiently(context: CommandContext, work: () => Promise<unknown>): Promise<void> {
  const { out, lifecycle } = context;
  for (const until = performance.now() + WAITS_MS; ; ) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof SessionBusy) || performance.now() > until || lifecycle.signal.aborted) throw error;
    }
    out.progress("waiting until nobody works with this session");
    await sleep(LOOKS_EVERY_MS, lifecycle.signal);
  }
}

async function newFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : String(error);
    throw new OperatorError(
      code === "EEXIST" ? `${path} is there already: name a new file` : `${path} cannot be written (${code})`,
    );
  }
}
