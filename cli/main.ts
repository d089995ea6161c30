import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/load.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { channelsCommand } from "./channels.ts";
import { emulatorCommand } from "./emulator.ts";
import { exportCommand } from "./export.ts";
import { migrateCommand } from "./migrate.ts";
import { parseCommand } from "./parse.ts";
import { apiCommand, schedulerCommand, workerCommand } from "./processes.ts";
import { queueCommand } from "./queue.ts";
import { sessionsCommand } from "./sessions.ts";
import { upCommand } from "./up.ts";
import { usersCommand } from "./users.ts";
import { verifyCommand } from "./verify.ts";

const program = new Command("gramfleet")
  .description("Reads Telegram channels for many users, on their own accounts, on time.")
  .version("0.1.0")
  .showHelpAfterError("(--help shows what there is)")
  .configureHelp({ showGlobalOptions: true })
  .option("--verbose", "say more on standard error");

for (const command of [
  upCommand(),
  schedulerCommand(),
  workerCommand(),
  apiCommand(),
  emulatorCommand(),
  migrateCommand(),
  usersCommand(),
  channelsCommand(),
  sessionsCommand(),
  parseCommand(),
  queueCommand(),
  verifyCommand(),
  exportCommand(),
]) {
  program.addCommand(command);
}
for (const command of everyCommand(program)) command.exitOverride();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function* everyCommand(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* everyCommand(child);
}

/** One line for what went wrong, and the exit code: 1 failed, 2 usage. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof OperatorError || error instanceof ConfigError) {
    process.stderr.write(`gramfleet: ${error.message}\n`);
    return error instanceof OperatorError ? error.exitCode : 1;
  }
  const verbose = process.argv.includes("--verbose");
  const text = error instanceof Error ? (verbose ? error.stack : error.message) : String(error);
  process.stderr.write(`gramfleet: ${text}\n`);
  return 1;
}
