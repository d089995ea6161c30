import { once } from "node:events";
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { Command, Option } from "commander";
import type { Channel } from "../db/channels.ts";
import { type StoredMessage, streamMessages } from "../db/messages.ts";
import { type Sink, writeDesktopExport } from "../formats/desktop/write.ts";
import { toJsonLine } from "../formats/jsonl.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { requireChannel } from "./channel.ts";
import { type CommonOptions, withContext } from "./context.ts";
import { withCommonOptions } from "./options.ts";

const FORMATS = ["tdesktop", "jsonl"] as const;

interface ExportOptions extends CommonOptions {
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
  readonly timeZone: string;
}

export function exportCommand(): Command {
  return withCommonOptions(new Command("export").argument("<channel>", "@name, name, t.me link, or id"))
    .addOption(new Option("--format <format>", "the form").choices(FORMATS).default("tdesktop"))
    .option("--out <file>", "where to (standard output)")
    .option("--time-zone <zone>", "for dates as people read them", "UTC")
    .action(run);
}

async function run(name: string, options: ExportOptions): Promise<void> {
  if (!isTimeZone(options.timeZone)) {
    throw new OperatorError(`"${options.timeZone}" is no time zone: try Europe/Moscow`, { exitCode: 2 });
  }
  await withContext(options, [], async ({ out, database }) => {
    const channel = await requireChannel(database, name);
    const target = openTarget(options.out);
    try {
      const written = await database.snapshot((tx) =>
        write(channel, streamMessages(tx, channel.id, { deleted: options.format === "jsonl" }), target.sink, options),
      );
      await target.keep();
      if (options.out) {
        out.result(
          { channel: channel.id, messages: written, file: options.out },
          () => `${written} messages: ${options.out}`,
        );
      }
    } catch (error) {
      target.discard();
      throw error;
    }
  });
}

async function write(
  channel: Channel,
  batches: AsyncIterable<StoredMessage[]>,
  sink: Sink,
  options: ExportOptions,
): Promise<number> {
  if (options.format === "tdesktop") return writeDesktopExport(channel, batches, sink, options.timeZone);
  let written = 0;
  for await (const batch of batches) {
    await sink(batch.map((message) => `${toJsonLine(message)}\n`).join(""));
    written += batch.length;
  }
  return written;
}

/** Where the export goes. A file appears under its name only when it is whole. */
function openTarget(file: string | undefined): { sink: Sink; keep(): Promise<void>; discard(): void } {
  if (file === undefined) {
    const sink: Sink = async (chunk) => {
      if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
    };
    return { sink, keep: async () => {}, discard: () => {} };
  }
  const partial = `${file}.partial`;
  const stream = createWriteStream(partial, { mode: 0o600 });
  let failure: Error | null = null;
  stream.on("error", (error) => {
    failure = error;
  });
  const failIfBroken = () => {
    if (failure) throw new OperatorError(`${file} cannot be written: ${failure.message}`);
  };
  return {
    async sink(chunk) {
      failIfBroken();
      if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
      failIfBroken();
    },
    async keep() {
      stream.end();
      if (!stream.closed) await once(stream, "close").catch(() => {});
      failIfBroken();
      renameSync(partial, file);
    },
    discard() {
      stream.destroy();
      rmSync(partial, { force: true });
    },
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
