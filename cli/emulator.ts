import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { Lifecycle } from "../runtime/lifecycle.ts";
import { createLog } from "../runtime/log.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { announceReady } from "../runtime/ready.ts";
import { atLeast, wholeNumber } from "./options.ts";
import { createOutput } from "./output.ts";

interface EmulatorFlags {
  readonly users: number;
  readonly channels: number;
  readonly pace: number;
  readonly world: readonly string[];
  readonly seed: number;
  readonly dir?: string;
  readonly control?: string;
  readonly bot?: string;
  readonly limits: boolean;
  readonly json: boolean;
  readonly verbose?: boolean;
}

export function emulatorCommand(): Command {
  return new Command("emulator")
    .option("--users <n>", "people, logged in already", wholeNumber(1), 100)
    .option("--channels <n>", "made-up channels", wholeNumber(0), 40)
    .option("--pace <n>", "limits and the waits it hands out run this many times faster", atLeast(1), 1)
    .option("--world <file...>", "Telegram Desktop exports or TL dictionaries, as channels that everybody follows", [])
    .option("--seed <n>", "what the made-up world grows from", wholeNumber(0), 1)
    .option("--dir <dir>", "where it keeps its journal and keys, to go on there next time (nowhere)")
    .option("--control <socket>", "a unix socket for its witness")
    .option("--bot <token>", "a bot with this made-up token, and the Bot API for it on loopback")
    .option("--no-limits", "hand out no waits, however often a method is called")
    .option("--json", "print JSON", false)
    .action(run);
}

async function run(flags: EmulatorFlags): Promise<void> {
  const log = createLog({ level: flags.verbose ? "debug" : "info", name: "emulator" });
  const lifecycle = new Lifecycle(log);
  const ended = lifecycle.closeOnSignals();
  const out = createOutput({ json: flags.json });
  // Not in production images: only this command and `up` reach for the emulator.
  const { startEmulator } = await import("../emulator/start.ts");
  const emulator = lifecycle.own(
    "emulator",
    await startEmulator({
      dir: flags.dir ? resolve(flags.dir) : null,
      users: flags.users,
      channels: flags.channels,
      pace: flags.pace,
      worldFiles: flags.world.map((file) => resolve(file)),
      seed: flags.seed,
      ...(flags.control ? { controlSocket: flags.control } : {}),
      ...(flags.limits ? {} : { buckets: null }),
      ...(flags.bot === undefined ? {} : { bot: { token: botToken(flags.bot), username: "gramfleet_bot" } }),
      log,
    }),
    (started) => started.close(),
  );
  const publicKeyFile = join(flags.dir ? resolve(flags.dir) : process.cwd(), "emulator-public-key.pem");
  writeFileSync(publicKeyFile, emulator.publicKeyPem);
  const details = {
    dataCenters: emulator.dataCenters.map(({ id, host, port }) => ({ id, host, port })),
    publicKeyFile,
    apiIds: emulator.apiIds,
    ...(emulator.botApi ? { botApiRoot: emulator.botApi.root } : {}),
  };
  announceReady(0, details);
  const addresses = details.dataCenters.map((dc) => `${dc.id}@${dc.host}:${dc.port}`).join(",");
  out.result(details, () => [
    `TELEGRAM_DC=${addresses}`,
    `TELEGRAM_DC_PUBLIC_KEY=${publicKeyFile}`,
    `MASTER_API_IDS=${emulator.apiIds.map((api) => api.apiId).join(",")}`,
    `MASTER_API_HASHES=${emulator.apiIds.map((api) => api.apiHash).join(",")}`,
    ...(emulator.botApi ? [`BOT_TOKEN=${flags.bot}`, `BOT_API_ROOT=${emulator.botApi.root}`] : []),
    `${emulator.accounts.length} people are logged in; test phones take the code of five times their DC's digit`,
  ]);
  await ended;
}

/** @throws OperatorError */
function botToken(text: string): string {
  if (!/^[1-9]\d{0,15}:[A-Za-z0-9_-]{20,}$/.test(text))
    throw new OperatorError("--bot is as BotFather gives tokens, 123456:ABC… with 20 signs or more", { exitCode: 2 });
  return text;
}
