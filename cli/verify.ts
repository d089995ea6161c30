import { readFileSync } from "node:fs";
import { Command } from "commander";
import { findChannel } from "../db/channels.ts";
import type { Database } from "../db/database.ts";
import { type StoredMessage, streamMessages } from "../db/messages.ts";
import { compareMessage } from "../formats/desktop/compare.ts";
import { textDigest, textOf } from "../formats/desktop/digest.ts";
import { localTimeIn } from "../formats/desktop/local-time.ts";
import { toDesktopMessage } from "../formats/desktop/message.ts";
import { parseDesktopExports } from "../formats/desktop/parse.ts";
import type { DesktopChannel } from "../formats/desktop/schema.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, DEFAULT_TENANT, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { table } from "./output.ts";

interface Verdict {
  readonly file: string;
  readonly channel: string;
  readonly messages: number;
  readonly identical: number;
  readonly missing: readonly number[];
  /** Stored, alive, and not in the export: posts that came later are such. */
  readonly extra: number;
  readonly different: readonly { readonly id: number; readonly fields: readonly string[] }[];
  readonly textDigest: string;
  readonly storedTextDigest: string;
}

export function verifyCommand(): Command {
  return withCommonOptions(new Command("verify"))
    .requiredOption("--world <file...>", "exports (result.json)")
    .action(run);
}

async function run(options: CommonOptions & { world: string[] }): Promise<void> {
  const exports = options.world.flatMap((file) =>
    parseDesktopExports(readExport(file), file).map((channel) => ({ file, channel })),
  );
  await withContext(options, [], async ({ out, database }) => {
    const verdicts: Verdict[] = [];
    for (const { file, channel } of exports) verdicts.push(await verify(database, file, channel));
    out.result(verdicts, () => [
      ...table(
        ["channel", "in the export", "identical", "different", "missing", "later posts", "text digest"],
        verdicts.map((one) => [
          one.channel,
          one.messages,
          one.identical,
          one.different.length,
          one.missing.length,
          one.extra,
          one.textDigest === one.storedTextDigest ? "equal" : "differs",
        ]),
      ),
      ...verdicts.flatMap((one) => [
        ...one.different.slice(0, 10).map((message) => `message ${message.id} differs in ${message.fields.join(", ")}`),
        ...(one.missing.length > 0 ? [`missing: ${one.missing.slice(0, 20).join(", ")}`] : []),
      ]),
    ]);
    if (verdicts.some((one) => one.identical !== one.messages)) process.exitCode = 1;
  });
}

function readExport(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new OperatorError(`${file} cannot be read`);
  }
}

async function verify(database: Database, file: string, channel: DesktopChannel): Promise<Verdict> {
  const stored = await database.inTenant(DEFAULT_TENANT, (tx) => findChannel(tx, String(channel.id)));
  if (!stored) throw new OperatorError(`channel ${channel.id} (${channel.name}) of ${file} is not stored here`);
  const rows = new Map<number, StoredMessage>();
  await database.snapshot(async (tx) => {
    for await (const batch of streamMessages(tx, stored.id)) for (const row of batch) rows.set(row.id, row);
  });
  const utc = localTimeIn("UTC");
  const missing: number[] = [];
  const different: { id: number; fields: string[] }[] = [];
  for (const message of channel.messages) {
    const row = rows.get(message.id);
    if (!row) {
      missing.push(message.id);
      continue;
    }
    const fields = compareMessage(message, toDesktopMessage(stored, row, utc));
    if (fields.length > 0) different.push({ id: message.id, fields });
  }
  const ids = new Set(channel.messages.map((message) => message.id));
  return {
    file,
    channel: channel.name,
    messages: channel.messages.length,
    identical: channel.messages.length - missing.length - different.length,
    missing,
    extra: [...rows.keys()].filter((id) => !ids.has(id)).length,
    different,
    textDigest: textDigest(channel.messages.map((message) => ({ id: message.id, text: textOf(message) }))),
    storedTextDigest: textDigest([...rows.values()].filter((row) => ids.has(row.id))),
  };
}
