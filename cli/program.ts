import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/load.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { COMMANDS } from "./commands.ts";
import { loadEnvFile } from "./env-file.ts";
import { addExamples } from "./examples.ts";

/**
 * Runs `gramfleet <args>` in this process: what fails is said in one line on standard error.
 *
 * @returns the exit code: 0, 1 failed, 2 usage; a command that ran, and found something wrong, sets process.exitCode
 */
export async function runProgram(args: readonly string[]): Promise<0 | 1 | 2> {
  try {
    const program = await programFor(args);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return report(error, args);
  }
}

/** The program with the command that is called in full, and of the others what `--help` says of them. */
async function programFor(args: readonly string[]): Promise<Command> {
  const program = new Command("gramfleet")
    .description("Reads Telegram channels for many users, on their own accounts, on time.")
    .version("0.1.0")
    .hook("preAction", () => loadEnvFile(".env", process.env));
  const [first, second] = args.filter((arg) => !arg.startsWith("-"));
  const called = first === "help" ? second : first;
  for (const [name, { says, load }] of Object.entries(COMMANDS)) {
    const command = name === called ? await load() : new Command(name);
    addExamples(command);
    program.addCommand(command.description(says));
  }
  for (const command of everyCommand(program)) command.exitOverride().configureOutput({ outputError });
  return program;
}

function* everyCommand(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* everyCommand(child);
}

/** What commander says of a wrong call, as one line of ours. */
function outputError(text: string, write: (line: string) => void): void {
  write(`gramfleet: ${oneLine(text.replace(/^error: /, "").trim())} (--help shows what there is)\n`);
}

/** One line for what went wrong, and the exit code. */
function report(error: unknown, args: readonly string[]): 0 | 1 | 2 {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const verbose = args.includes("--verbose") && error instanceof Error && !isForOperators(error);
  const text = verbose ? (error.stack ?? error.message) : error instanceof Error ? error.message : String(error);
  process.stderr.write(`gramfleet: ${verbose ? text : oneLine(text)}\n`);
  return error instanceof OperatorError ? error.exitCode : 1;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function isForOperators(error: Error): boolean {
  return error instanceof OperatorError || error instanceof ConfigError;
}
