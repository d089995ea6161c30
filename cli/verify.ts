import { readFileSync } from "node:fs";
import { Command } from "commander";
import { findChannel } from "../db/channels.ts";
import type { Database } from "../db/database.ts";
import { keptFromOf } from "../db/kept-messages.ts";
import { type StoredMessage, skippedOf, streamMessages } from "../db/messages.ts";
import { textDigest } from "../formats/desktop/digest.ts";
import { type PublishedChannel, publishedChannels } from "../formats/published.ts";
import { parseWorldFile } from "../formats/world-file.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";
import { ought0, painted } from "./output.ts";

interface Verdict {
  readonly file: string;
  readonly channel: string;
  readonly messages: number;
  readonly identical: number;
  readonly missing: readonly number[];
  /** In the file, and kept here no longer: by the policy of the tenants that follow the channel. */
  readonly letGo: number;
  /** Stored, alive, and not in the file: posts that came later are such. */
  readonly extra: number;
  readonly different: readonly { readonly id: number; readonly fields: readonly string[] }[];
  /** What could not be stored whole, or not at all, and why. */
  readonly reported: readonly { readonly id: number; readonly reason: string }[];
  readonly textDigest: string;
  readonly storedTextDigest: string;
}

export function verifyCommand(): Command {
  return withCommonOptions(new Command("verify"))
    .requiredOption("--world <file...>", "exports (result.json), or messages as TL dictionaries")
    .action(run);
}

async function run(options: CommonOptions & { world: string[] }): Promise<void> {
  const published = options.world.flatMap((file) =>
    publishedChannels(parseWorldFile(readWorld(file), file)).map((channel) => ({ file, channel })),
  );
  await withContext(options, [], async ({ out, database }) => {
    const verdicts: Verdict[] = [];
    for (const { file, channel } of published) verdicts.push(await verify(database, file, channel));
    out.result(verdicts, () => [
      ...out.table(
        ["channel", "in the file", "identical", "different", "missing", "later posts", "text digest"],
        verdicts.map((one) => [
          one.channel,
          one.messages,
          one.identical,
          ought0(one.different.length),
          ought0(one.missing.length),
          one.extra,
          one.textDigest === one.storedTextDigest
            ? `equal ${one.textDigest}`
            : painted("red", `differs ${one.storedTextDigest}`),
        ]),
      ),
      ...verdicts.flatMap((one) => [
        ...(one.letGo > 0 ? [`${one.channel}: ${one.letGo} messages are kept no longer, by policy: not compared`] : []),
        ...one.different.slice(0, 10).map((message) => `message ${message.id} differs in ${message.fields.join(", ")}`),
        ...(one.missing.length > 0 ? [`missing: ${one.missing.slice(0, 20).join(", ")}`] : []),
        ...one.reported.slice(0, 10).map(({ id, reason }) => `message ${id}: ${reason}`),
      ]),
    ]);
    if (verdicts.some((one) => one.identical + one.letGo !== one.messages)) process.exitCode = 1;
  });
}

function readWorld(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new OperatorError(`${file} cannot be read`);
  }
}

async function verify(database: Database, file: string, published: PublishedChannel): Promise<Verdict> {
  const stored = await database.asWorker((tx) => findChannel(tx, String(published.id)));
  if (!stored) {
    const name = published.title === null ? "" : ` (${published.title})`;
    throw new OperatorError(`channel ${published.id}${name} of ${file} is not stored here`);
  }
  const rows = new Map<number, StoredMessage>();
  const reported = await database.asWorker(async (tx) => {
    for await (const batch of streamMessages(tx, stored.id)) for (const row of batch) rows.set(row.id, row);
    return skippedOf(tx, stored.id);
  });
  const missing: number[] = [];
  const different: { id: number; fields: string[] }[] = [];
  const keptFrom = await database.once((tx) => keptFromOf(tx, stored.id));
  const kept = published.messages.filter(({ id }) => id >= keptFrom);
  for (const message of kept) {
    const row = rows.get(message.id);
    const fields = row ? message.differences(stored, row) : [];
    if (!row) missing.push(message.id);
    else if (fields.length > 0) different.push({ id: message.id, fields });
  }
  const ids = new Set(kept.map((message) => message.id));
  return {
    file,
    channel: published.title ?? stored.title,
    messages: published.messages.length,
    identical: kept.length - missing.length - different.length,
    missing,
    letGo: published.messages.length - kept.length,
    extra: [...rows.keys()].filter((id) => !ids.has(id)).length,
    different,
    reported,
    textDigest: textDigest(kept),
    storedTextDigest: textDigest([...rows.values()].filter((row) => ids.has(row.id))),
  };
}
