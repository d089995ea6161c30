import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { acceptLegacyNames } from "../config/legacy.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { CommonOptions } from "./context.ts";
import { dataDirOf } from "./environment.ts";
import { atLeast, wholeNumber, withCommonOptions } from "./options.ts";
import { createOutput } from "./output.ts";

interface UpFlags extends CommonOptions {
  readonly users: number;
  readonly channels?: number;
  readonly pace: number;
  readonly world: readonly string[];
  readonly for?: number;
  readonly workers: number;
}

const DEFAULT_CHANNELS = 40;

export function upCommand(): Command {
  return withCommonOptions(new Command("up"))
    .option("--users <n>", "emulated users", wholeNumber(1), 100)
    .option("--channels <n>", "emulated channels (40; none beside a --world)", wholeNumber(0))
    .option("--pace <n>", "emulated plans and limits run this many times faster", atLeast(1), 60)
    .option(
      "--world <file...>",
      "Telegram Desktop exports (result.json) or TL dictionaries, as channels that everybody follows",
      [],
    )
    .option("--for <seconds>", "end by itself, counted from ready", atLeast(1))
    .option("--workers <n>", "worker processes", wholeNumber(1), Math.min(4, cpus().length))
    .action(async (flags: UpFlags) => {
      const { env, used } = acceptLegacyNames(process.env);
      if (flags.world.length > 0 && env.MASTER_API_IDS) {
        throw new OperatorError("--world is for the emulator: unset MASTER_API_IDS to use it", { exitCode: 2 });
      }
      const out = createOutput({ json: flags.json ?? false });
      for (const name of used) out.note(`older name of a variable used: ${name}`);
      const { runUp } = await import("./up/run.ts");
      process.exitCode = await runUp({
        out,
        env,
        dataDir: dataDirOf(flags),
        choice: {
          users: flags.users,
          channels: flags.channels ?? (flags.world.length > 0 ? 0 : DEFAULT_CHANNELS),
          files: flags.world.map((file) => resolve(file)),
        },
        pace: flags.pace,
        forSeconds: flags.for ?? null,
        workers: flags.workers,
        logDir: join(dataDirOf(flags), "logs"),
      });
    });
}
