import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import { OperatorError } from "../runtime/operator-error.ts";
import { hashPassword } from "../runtime/password-hash.ts";
import { ask } from "./ask.ts";
import { createOutput } from "./output.ts";

/** Long enough that nobody guesses it as often as the board lets them. */
const SHORTEST = 12;
const LONGEST = 1_000;

interface Options {
  readonly role: "viewer" | "admin";
  readonly json: boolean;
}

export function adminCommand(): Command {
  const admin = new Command("admin");
  admin.addCommand(
    new Command("hash-password")
      .description("make somebody's entry for ADMIN_USERS; the password is asked for, or read from standard input")
      .argument("<name>", "what they sign in with at /queues", nameOf)
      .addOption(
        new Option("--role <role>", "what they may do there: look, or act on jobs too")
          .choices(["viewer", "admin"])
          .default("viewer"),
      )
      .addOption(new Option("--json", "print JSON").default(false))
      .action(hash),
  );
  return admin;
}

function nameOf(given: string): string {
  if (!/^[A-Za-z][\w.-]{0,31}$/.test(given))
    throw new InvalidArgumentError("It begins with a letter and has up to 32 letters, digits, dots, - and _.");
  return given;
}

async function hash(name: string, { role, json }: Options): Promise<void> {
  const out = createOutput({ json });
  const password = process.stdin.isTTY ? await askTwice() : (await text(process.stdin)).replace(/\r?\n$/, "");
  if (password.trim().length < SHORTEST || password.length > LONGEST || password.includes("\n"))
    throw new OperatorError(`a password is one line of ${SHORTEST} characters or more`, { exitCode: 2 });
  const entry = `${name}:${role}:${await hashPassword(password)}`;
  out.result({ name, role, entry }, () => entry);
  if (!json) out.note("put this into ADMIN_USERS, after a comma where there are others, and restart the api");
}

async function askTwice(): Promise<string> {
  const question = { secret: true, flag: "it on standard input" };
  const password = await ask("password", question);
  if ((await ask("once more", question)) !== password)
    throw new OperatorError("the two are not the same: try again", { exitCode: 2 });
  return password;
}
